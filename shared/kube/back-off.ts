export interface BackOff {
  firstMs: number;
  maxMs: number;
}

/**
 * Delay before try number `failures` + 1: doubles with each failure up to `maxMs`, the upper half of it random, so that
 * many clients of one server that came back do not return at the same moment.
 */
export function backOffMs(failures: number, backOff: BackOff, random: () => number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 40);
  const fullMs = Math.min(backOff.maxMs, backOff.firstMs * 2 ** doublings);
  return fullMs / 2 + (fullMs / 2) * random();
}
