import type { ConfigMap } from '../kube/object.ts';

/** In the ConfigMap. */
export const dockerfileKey = 'dockerfile';

/** The Dockerfile that a ConfigMap holds, or what is missing (checklist 80). `undefined`: there is no such ConfigMap. */
export function dockerfileOf(
  name: string,
  configMap: ConfigMap | undefined,
): { kind: 'text'; text: string } | { kind: 'missing'; message: string } {
  if (configMap === undefined) return { kind: 'missing', message: `ConfigMap ${name} does not exist` };
  const text = configMap.data?.[dockerfileKey];
  if (text?.trim()) return { kind: 'text', text };
  return { kind: 'missing', message: `ConfigMap ${name}: expected a Dockerfile under its key ${dockerfileKey}` };
}
