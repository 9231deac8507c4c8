import { limits } from './limits.ts';
import { oneLine } from './one-line.ts';

/** metav1.Condition as it stands in JSON. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** What a `status.ts` says; the time of transition is kept or set by `withConditions`. */
export type ConditionState = Omit<Condition, 'lastTransitionTime'>;

/**
 * The next list of conditions: `wanted` in its order, each with the transition time of the present one of the same type
 * when the status did not change, else `nowText`. Conditions of types not in `wanted` (another owner's) stay, after ours.
 */
export function withConditions(
  present: readonly Condition[],
  wanted: readonly ConditionState[],
  nowText: string,
): Condition[] {
  const ours = wanted.map((state) => {
    const before = present.find((condition) => condition.type === state.type);
    const lastTransitionTime = before?.status === state.status ? before.lastTransitionTime : nowText;
    return { ...state, message: shortened(state.message, limits.conditionMessageCharsMax), lastTransitionTime };
  });
  return [...ours, ...present.filter((condition) => !wanted.some((state) => state.type === condition.type))];
}

/**
 * `text` as one line of at most `charsMax` characters, an ellipsis as the last one when it was cut: specs, registries and
 * containers may say anything, and people read this on terminals. Half of a surrogate pair becomes U+FFFD, as it does in
 * an API server: else what comes back would never equal what was written.
 */
export function shortened(text: string, charsMax: number): string {
  const line = oneLine(text);
  return (line.length <= charsMax ? line : `${line.slice(0, charsMax - 1)}…`).toWellFormed();
}
