/** The labels that the loader and the device plugin put on nodes, and which Module each is about. */
export type OurLabel =
  | { kind: 'ready' | 'device-plugin-ready'; namespace: string; module: string }
  /** `<module>.ready` without a namespace, as releases before 1.1 wrote it: removed wherever it is found. */
  | { kind: 'deprecated' };

/**
 * Reads a label key. A namespace has no dots, a Module's name may: the first part is the namespace. `….version.ready` is
 * another label (ordered upgrade), unless a Module is really called so, which only the caller can know.
 */
export function parseLabel(key: string): OurLabel | undefined {
  const match = /^kmm\.node\.kubernetes\.io\/(.+)\.(ready|device-plugin-ready)$/.exec(key);
  if (match === null) return undefined;
  const [, subject = '', kind] = match;
  const dot = subject.indexOf('.');
  if (dot < 0) return { kind: 'deprecated' };
  const namespace = subject.slice(0, dot);
  return { kind: kind as 'ready' | 'device-plugin-ready', namespace, module: subject.slice(dot + 1) };
}

export function isVersionReady(key: string): boolean {
  return key.endsWith('.version.ready');
}
