/**
 * How a reconcile ends when it did not throw: `done` waits for the next change, `after` looks again by itself.
 * `why` is a CamelCase word, shown in the log and in the metric of delayed keys.
 */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'after'; readonly delayMs: number; readonly why: string };

export const done: Outcome = { kind: 'done' };

export function after(delayMs: number, why: string): Outcome {
  return { kind: 'after', delayMs, why };
}

/** The earlier of several: a key is looked at again as soon as one of its reasons asks for it. */
export function soonest(outcomes: readonly Outcome[]): Outcome {
  let best: Outcome = done;
  for (const outcome of outcomes) {
    if (outcome.kind === 'after' && (best.kind === 'done' || outcome.delayMs < best.delayMs)) best = outcome;
  }
  return best;
}
