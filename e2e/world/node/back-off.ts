/** What a back-off remembers of one key: the delay that it last gave, and when. */
export interface BackOffEntry {
  readonly delayMs: number;
  readonly updatedMs: number;
}

export interface BackOffBounds {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** kubelet's bounds for restarts of containers and for image pulls: 10 s, doubled up to 5 minutes. */
export const kubeletBackOff: BackOffBounds = { firstMs: 10_000, maxMs: 300_000 };

/** The entry after one more failure at `nowMs`. A key that was quiet for twice the maximum (10 minutes) starts anew. */
export function nextEntry(entry: BackOffEntry | undefined, nowMs: number, bounds = kubeletBackOff): BackOffEntry {
  if (entry === undefined || isForgotten(entry, nowMs, bounds)) return { delayMs: bounds.firstMs, updatedMs: nowMs };
  return { delayMs: Math.min(entry.delayMs * 2, bounds.maxMs), updatedMs: nowMs };
}

/** When a key may be tried again whose last failure was at `sinceMs`: `sinceMs` itself when nothing holds it back. */
export function notBeforeMs(entry: BackOffEntry | undefined, sinceMs: number, bounds = kubeletBackOff): number {
  if (entry === undefined || isForgotten(entry, sinceMs, bounds)) return sinceMs;
  return sinceMs + entry.delayMs;
}

/** kubelet's wording of a delay in messages: `10s`, `1m20s`, `5m0s`. */
export function durationText(delayMs: number): string {
  const seconds = Math.round(delayMs / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function isForgotten(entry: BackOffEntry, nowMs: number, bounds: BackOffBounds): boolean {
  return nowMs - entry.updatedMs > 2 * bounds.maxMs;
}
