import assert from 'node:assert/strict';
import { type Clock, scaledClock, sleep, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { Cache } from '../../shared/kube/cache.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { ConfigMap } from '../../shared/kube/object.ts';
import { configMaps } from '../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import type { Fault } from '../world/api-server/faults/faults.ts';
import { type ApiServer, startApiServer } from '../world/api-server/server.ts';
import { eventually } from '../world/eventually.ts';

const faults: readonly { name: string; fault: Fault }[] = [
  { name: 'broken connections', fault: { type: 'drop' } },
  { name: 'connections that are half open', fault: { type: 'half-open' } },
  { name: 'events that are held back', fault: { type: 'hold-events' } },
  { name: 'versions that are too old', fault: { type: 'refuse', code: 410 } },
  { name: 'too many requests', fault: { type: 'refuse', code: 429, retryAfterSeconds: 2 } },
  { name: 'internal errors', fault: { type: 'refuse', code: 500 } },
];
const timeFactor = 4;
/** Long enough for back-offs to have grown as far as they do. */
const faultMs = 40_000;
const recoveryMsMax = 5_000;

/** One program for each fault, all at once: each fault meets its own user only. */
describe('a watch is current again within 5 s of the end of', () => {
  let server: ApiServer;
  let clock: Clock;
  const clients: KubeClient[] = [];
  const caches = new Map<string, Cache<ConfigMap>>();
  const recoveredMs = new Map<string, number>();
  const abort = new AbortController();
  const connect = (user: string) => {
    const client = createKubeClient({ kubeconfig: { text: server.kubeconfig(user) }, requestTimeoutMs: 1_000 });
    clients.push(client);
    return client;
  };
  const make = (admin: KubeClient, name: string) =>
    admin.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name } });

  before(async () => {
    clock = scaledClock(systemClock, timeFactor);
    server = await startApiServer({ clock, name: 'faulty' });
    const runtime: Runtime = { clock, random: () => 0.9, log: silentLog, meters: silentMeters };
    for (const { name } of faults) {
      const cache = new Cache({ client: connect(name), runtime, resource: configMaps, namespace: 'default' });
      caches.set(name, cache);
      cache.start(abort.signal);
      await cache.whenSynced(abort.signal);
    }
    const watching = () => server.requests.matching({ verb: 'watch' }).length === faults.length;
    await eventually('all watch', watching);
    const injections = faults.map(({ name, fault }) => server.faults.add({ fault, user: name }));
    const admin = connect('system:admin');
    await make(admin, 'meanwhile');
    await sleep(clock, faultMs);
    for (const cache of caches.values()) assert.deepEqual(cache.list(), [], 'the fault has met no one');
    for (const injection of injections) injection.remove();
    const endedMs = clock.now();
    for (const [name, cache] of caches) {
      cache.subscribe(() => recoveredMs.set(name, Math.min(recoveredMs.get(name) ?? Infinity, clock.now() - endedMs)));
    }
  });
  after(async () => {
    abort.abort();
    await Promise.all([...caches.values()].map((cache) => cache.stopped));
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
  });

  for (const { name } of faults) {
    it(name, async () => {
      await eventually('it is told again', () => recoveredMs.has(name));
      assert.ok(recoveredMs.get(name)! <= recoveryMsMax, `${recoveredMs.get(name)} ms`);
      assert.deepEqual(
        caches
          .get(name)
          ?.list()
          .map(({ metadata }) => metadata.name),
        ['meanwhile'],
      );
    });
  }
});
