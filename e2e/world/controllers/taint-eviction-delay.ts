import { type Taint, type Toleration, tolerates } from './taints.ts';

/**
 * How long a pod may stay under these taints: undefined for ever, 0 not at all. A taint that several tolerations cover
 * is tolerated as the shortest of them says, as in Kubernetes.
 */
export function evictionDelayMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number | undefined {
  let shortest: number | undefined;
  for (const taint of taints.filter(({ effect }) => effect === 'NoExecute')) {
    const covering = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (covering.length === 0) return 0;
    for (const { tolerationSeconds } of covering) {
      if (tolerationSeconds === undefined) continue;
      shortest = Math.min(shortest ?? Number.POSITIVE_INFINITY, Math.max(0, tolerationSeconds) * 1000);
    }
  }
  return shortest;
}
