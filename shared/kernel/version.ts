/**
 * The kernel version of a release as `uname -r` prints it: without one trailing `+`, which marks a tree with local
 * changes and belongs to the same modules directory name only on the node itself (checklist 8).
 */
export function withoutPlus(release: string): string {
  return release.endsWith('+') ? release.slice(0, -1) : release;
}

/** The form that fits into image tags and label values: every other character becomes one `_` (checklist 11). */
export function normalised(kernel: string): string {
  return kernel.replace(/[^A-Za-z0-9._-]/gu, '_');
}

/**
 * What we accept as a kernel from a cluster that may be hostile (contract 7): its normalised form without `+` is a
 * label value, and it holds nothing that a path, a line or an image tag could stumble over.
 */
export function isKernelVersion(text: string): boolean {
  return /^[A-Za-z0-9]([A-Za-z0-9._~-]{0,61}[A-Za-z0-9])?\+?$/.test(text);
}

/** The first three parts of a version, each normalised, or undefined when it has fewer. */
export function versionParts(kernel: string): [x: string, y: string, z: string] | undefined {
  const [x, y, z] = kernel.split(/[.,-]/, 3).map(normalised);
  return x && y && z ? [x, y, z] : undefined;
}
