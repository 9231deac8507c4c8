import type { Problem } from './reasons.ts';

/** Clusters, kernels or images that a message names; the lists of the status name more. */
export const examplesMax = 3;

/** The first clusters, each with what is said of it, and how many more there are. */
export function examples(of: readonly (Problem & { cluster: string })[], max: number = examplesMax): string {
  const named = of.slice(0, max).map(({ cluster, reason, message }) => `${cluster} (${reason}): ${message}`);
  return `${named.join('; ')}${rest(of, max)}`;
}

export function rest(of: readonly unknown[], max: number = examplesMax): string {
  return of.length > max ? `; and ${of.length - max} more` : '';
}
