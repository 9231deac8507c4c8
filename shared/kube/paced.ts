import { type Clock, sleep } from '../core/clock.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';

export const paceLimits = {
  /** A server that is overloaded and does not say for how long. */
  pauseMs: 1_000,
  /** One object's refusal (a quota, a webhook) must not stop all others for long; its own key heeds all that was said. */
  pauseMsMax: 10_000,
  /** So much of an idle time can be made up for at once. */
  burstMs: 100,
} as const;

export interface Pace {
  /** The most writes a second. */
  writesPerSecond: number;
  clock: Clock;
  /** Nobody waits after it. */
  signal: AbortSignal;
}

/**
 * A client whose writes keep to a pace, and all wait when the server answered one of them with 429: a fleet's thousands of
 * keys would else each ask once to be told the same. Reads and watches do not wait, and no lease is written through it.
 */
export function withPace(client: KubeClient, pace: Pace): KubeClient {
  const turns = new Turns(pace);
  return {
    get: (resource, at) => client.get(resource, at),
    list: (resource, options) => client.list(resource, options),
    watch: (resource, options) => client.watch(resource, options),
    create: (...args) => turns.write(() => client.create(...args)),
    replace: (...args) => turns.write(() => client.replace(...args)),
    patch: (...args) => turns.write(() => client.patch(...args)),
    delete: (...args) => turns.write(() => client.delete(...args)),
    served: (group, version) => client.served(group, version),
    close: () => client.close(),
  };
}

class Turns {
  readonly #pace: Pace;
  /** When the next write may be sent. */
  #nextMs = Number.NEGATIVE_INFINITY;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  async write<T>(send: () => Promise<T>): Promise<T> {
    await this.#turn();
    try {
      return await send();
    } catch (error) {
      if (error instanceof KubeError && error.status === 429) this.#pause(error.retryAfterMs);
      throw error;
    }
  }

  async #turn(): Promise<void> {
    const { clock, signal, writesPerSecond } = this.#pace;
    const passedMs = clock.passed();
    const turnMs = Math.max(this.#nextMs, passedMs - paceLimits.burstMs);
    this.#nextMs = turnMs + 1000 / writesPerSecond;
    for (let untilMs = Math.max(turnMs, this.#pausedUntilMs); untilMs > clock.passed() && !signal.aborted; ) {
      await sleep(clock, untilMs - clock.passed(), signal);
      // It may have been refused another write meanwhile.
      untilMs = this.#pausedUntilMs;
    }
  }

  #pause(retryAfterMs: number | undefined): void {
    const { pauseMs, pauseMsMax } = paceLimits;
    const untilMs = this.#pace.clock.passed() + Math.min(retryAfterMs ?? pauseMs, pauseMsMax);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
  }
}
