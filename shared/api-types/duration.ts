/** Units of a duration such as `1h30m`, in milliseconds. */
const unitMs: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000 };
export const durationPattern = /^(0|([0-9]{1,9}[hms])+)$/;

/** Milliseconds of a duration (`90s`, `1h30m`, `0`); undefined for anything else, among it `None` and what an older definition let in. */
export function durationMs(duration: unknown): number | undefined {
  if (typeof duration !== 'string' || !durationPattern.test(duration)) return undefined;
  const parts = duration.matchAll(/([0-9]+)([hms])/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0), 0);
}
