import type { Pod } from '../../../shared/kube/object.ts';

/** Addresses that the stand-in gives every pod: all of them run on this machine. */
export const loopback = '127.0.0.1';

/** A pod's field as the downward API gives it; `undefined` for a path that it does not know. */
export function podField(pod: Pod, path: string): string | undefined {
  const { metadata, spec } = pod;
  const fields: Record<string, () => string> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace ?? '',
    'metadata.uid': () => metadata.uid ?? '',
    'metadata.labels': () => keyValueLines(metadata.labels),
    'metadata.annotations': () => keyValueLines(metadata.annotations),
    'spec.nodeName': () => spec.nodeName ?? '',
    'spec.serviceAccountName': () => spec.serviceAccountName ?? 'default',
    'status.hostIP': () => loopback,
    'status.hostIPs': () => loopback,
    'status.podIP': () => loopback,
    'status.podIPs': () => loopback,
  };
  const known = fields[path]?.();
  if (known !== undefined) return known;
  const entry = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (entry === null) return undefined;
  return metadata[entry[1] as 'labels' | 'annotations']?.[entry[2] as string] ?? '';
}

/** `$(NAME)` replaced by what is known, `$$(NAME)` by `$(NAME)`; an unknown name stays as it is written. */
export function expanded(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)/g, (found, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(variables, name) ? (variables[name] as string) : found;
  });
}

function keyValueLines(values: Readonly<Record<string, string>> = {}): string {
  const keys = Object.keys(values).sort();
  return keys.map((key) => `${key}=${JSON.stringify(values[key])}`).join('\n');
}
