import type { Clock } from './clock.ts';

/** What is told a hundred times within this is passed on once. */
const togetherMs = 20;

/** Calls `tell` for each key that was named, once for all that name it within 20 ms. */
export function together(clock: Clock, tell: (key: string) => void): (key: string) => void {
  let waiting = new Set<string>();
  return (key) => {
    if (waiting.size === 0) {
      clock.after(togetherMs, () => {
        const keys = waiting;
        waiting = new Set();
        for (const each of keys) tell(each);
      });
    }
    waiting.add(key);
  };
}
