import { type Clock, rfc3339, systemClock } from '../../../shared/core/clock.ts';
import type { KubeClient, WatchEvent } from '../../../shared/kube/client.ts';
import type { KubeObject, ObjectMeta } from '../../../shared/kube/object.ts';

/** A clock of the world, and how many times faster than real time it runs. */
export interface WorldTime {
  readonly clock: Clock;
  readonly factor: number;
}

/**
 * A real API server lives in real time, our programs and the nodes of a journey in a faster one. This client shows them the
 * two times that a server writes into objects as what they are on their clock; all other times are their own.
 */
export function inTime(client: KubeClient, time: WorldTime): KubeClient {
  if (time.factor === 1) return client;
  const shown = <T extends KubeObject>(object: T): T => ({ ...object, metadata: translated(object.metadata, time) });
  return {
    async get(resource, at) {
      const object = await client.get(resource, at);
      return object && shown(object);
    },
    async list(resource, options) {
      const { metadata, items } = await client.list(resource, options);
      return { metadata, items: items.map(shown) };
    },
    async *watch<T extends KubeObject>(...args: Parameters<typeof client.watch<T>>): AsyncIterable<WatchEvent<T>> {
      for await (const event of client.watch(...args)) {
        yield event.type === 'ERROR' ? event : { type: event.type, object: shown(event.object) };
      }
    },
    create: async (resource, object) => shown(await client.create(resource, object)),
    replace: async (...args) => shown(await client.replace(...args)),
    patch: async (...args) => shown(await client.patch(...args)),
    delete: (...args) => client.delete(...args),
    served: (...args) => client.served(...args),
    close: () => client.close(),
  };
}

/** `deletionTimestamp` is the end of the grace period, whose length is the same on every clock. */
function translated(metadata: ObjectMeta, time: WorldTime): ObjectMeta {
  const { creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
  return {
    ...metadata,
    ...(creationTimestamp !== undefined && { creationTimestamp: moment(creationTimestamp, time) }),
    ...(deletionTimestamp !== undefined && {
      deletionTimestamp: moment(deletionTimestamp, time, deletionGracePeriodSeconds * 1000),
    }),
  };
}

function moment(text: string, { clock, factor }: WorldTime, graceMs = 0): string {
  const agoMs = systemClock.now() - (Date.parse(text) - graceMs);
  return rfc3339(clock.now() - agoMs * factor + graceMs);
}
