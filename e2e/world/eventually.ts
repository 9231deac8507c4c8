import { sleep, systemClock } from '../../shared/core/clock.ts';
import { errorMessage } from '../../shared/core/errors.ts';

/** How often the world is looked at again, and when a wait is given up, in real milliseconds. */
const lookAgainMs = 50;
const giveUpMs = 45_000;

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
  for (;;) {
    const seen = await attempt(look);
    if (seen.ok) return seen.value as Exclude<T, false | undefined>;
    if (systemClock.now() - began > limitMs) {
      throw new Error(`expected within ${limitMs / 1000} s: ${expected}; last seen: ${seen.text}`);
    }
    await sleep(systemClock, lookAgainMs);
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
