import { sleep, systemClock } from '../../shared/core/clock.ts';
import { errorMessage } from '../../shared/core/errors.ts';

/**
 * When the world is looked at again, and when a wait is given up, in real milliseconds. What takes long is looked at less often. It is
 * given up late: a machine that does much else beside is no failure, and who waits in vain waits once.
 */
const lookAgainMs = { first: 50, last: 200, growth: 1.2 };
const giveUpMs = 100_000;

/**
 * Waits on the world's state: calls `look` until it neither throws nor gives `false` or `undefined`, and returns what it gave.
 * Throws when that takes too long, saying what was expected and what was seen last.
 */
export async function eventually<T>(
  expected: string,
  look: () => T | Promise<T>,
  limitMs = giveUpMs,
): Promise<Exclude<T, false | undefined>> {
  const began = systemClock.now();
  for (let pauseMs = lookAgainMs.first; ; pauseMs = Math.min(lookAgainMs.last, pauseMs * lookAgainMs.growth)) {
    const seen = await attempt(look);
    if (seen.ok) return seen.value as Exclude<T, false | undefined>;
    if (systemClock.now() - began > limitMs) {
      throw new Error(`expected within ${limitMs / 1000} s: ${expected}; last seen: ${seen.text}`);
    }
    await sleep(systemClock, pauseMs);
  }
}

async function attempt<T>(look: () => T | Promise<T>): Promise<{ ok: true; value: T } | { ok: false; text: string }> {
  try {
    const value = await look();
    return value === false || value === undefined ? { ok: false, text: String(value) } : { ok: true, value };
  } catch (error) {
    return { ok: false, text: errorMessage(error) };
  }
}
