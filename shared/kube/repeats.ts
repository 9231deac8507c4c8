import type { Clock } from '../core/clock.ts';
import { sha256Hex } from '../core/hash.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import type { KubeObject, ObjectRef, Resource } from './object.ts';
import { objectPath } from './paths.ts';

export const repeatLimits = {
  /** The first repetition waits so long after the answer; each further one twice as long as the one before. */
  firstMs: 2_000,
  maxMs: 60_000,
  /** A write that comes back after so long is no repetition. */
  rememberedMs: 5 * 60_000,
  /** Objects of which the last write is remembered; the oldest are forgotten first. */
  objectsMax: 10_000,
} as const;

/**
 * A client that does not send a write again that equals the last one to its object and was answered a moment ago: a
 * cache that lags, of the object or of its owner, makes controllers decide the same again with each event. Such a write
 * fails as a conflict (look again later); a deletion of the very object (by UID) counts as done, because it is.
 *
 * A write that was not answered, or refused otherwise than by 404 and 409, is never held back.
 */
export function withoutRepeats(client: KubeClient, clock: Clock): KubeClient {
  const memory = new Memory(clock);
  return {
    get: (resource, at) => client.get(resource, at),
    list: (resource, options) => client.list(resource, options),
    watch: (resource, options) => client.watch(resource, options),
    create: (resource, object, options) =>
      memory.write(place(resource, object.metadata), said('create', options?.saidAs, object), () =>
        client.create(resource, object, options),
      ),
    replace: (resource, object, options) =>
      memory.write(place(resource, object.metadata, options), said('replace', options?.saidAs, object), () =>
        client.replace(resource, object, options),
      ),
    patch: (resource, at, patch, options) =>
      memory.write(place(resource, at, options), said('patch', undefined, patch), () =>
        client.patch(resource, at, patch, options),
      ),
    async delete(resource, at, options) {
      const send = () => client.delete(resource, at, options);
      const path = objectPath(resource, at);
      if (options?.preconditions?.uid === undefined) {
        memory.forget(path);
        return send();
      }
      const write = said('delete', undefined, options);
      if (!memory.holds(path, write)) await memory.write(path, write, send);
    },
    served: (group, version) => client.served(group, version),
    close: () => client.close(),
  };
}

/** A generated name is no place: such an object is never the same twice. */
function place(resource: Resource<KubeObject>, at: ObjectRef, options?: { subresource?: string }): string | undefined {
  return at.name === '' ? undefined : objectPath(resource, at, options?.subresource);
}

interface Answered {
  readonly write: string;
  readonly atMs: number;
  readonly repetitions: number;
}

class Memory {
  readonly #clock: Clock;
  readonly #last = new Map<string, Answered>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the write must not be sent now. */
  holds(path: string, write: string): boolean {
    const last = this.#last.get(path);
    if (last === undefined || last.write !== write) return false;
    const { firstMs, maxMs } = repeatLimits;
    return this.#clock.passed() < last.atMs + Math.min(maxMs, firstMs * 2 ** last.repetitions);
  }

  async write<T>(path: string | undefined, write: string, send: () => Promise<T>): Promise<T> {
    if (path === undefined) return send();
    if (this.holds(path, write)) {
      throw new KubeError(409, 'Conflict', `${path}: the same was written a moment ago, and is not seen yet`);
    }
    const before = this.#last.get(path);
    this.forget(path);
    try {
      const answer = await send();
      this.#remember(path, write, before);
      return answer;
    } catch (error) {
      const answered = error instanceof KubeError && (error.status === 404 || error.status === 409);
      if (answered) this.#remember(path, write, before);
      throw error;
    }
  }

  forget(path: string): void {
    this.#last.delete(path);
  }

  #remember(path: string, write: string, before: Answered | undefined): void {
    const atMs = this.#clock.passed();
    const again = before?.write === write && atMs - before.atMs < repeatLimits.rememberedMs;
    this.#last.set(path, { write, atMs, repetitions: again ? before.repetitions + 1 : 0 });
    const oldest = this.#last.keys().next();
    if (this.#last.size > repeatLimits.objectsMax && !oldest.done) this.#last.delete(oldest.value);
  }
}

/**
 * What a write says, in few characters. The order of members counts: one code that decides the same again makes them in the same
 * order, and to sort them costs more.
 */
function said(verb: string, as: string | undefined, content: unknown): string {
  return `${verb} ${as ?? sha256Hex(JSON.stringify(content), 16)}`;
}
