import { managedClusterModules, manifestWorks } from '@open-cluster-management/api-types';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import type { KubeClient, WatchOptions } from '../../../shared/kube/client.ts';
import { labels } from '../../../shared/kube/names.ts';
import { loadedStatus, resent, worksOf, writeStatus } from './agents.ts';
import { type Figure, memoryGoal, percentile } from './figures.ts';
import { bootKernel, clusterName, kernelAt, moduleName } from './fleet.ts';
import { rawWorksOf, singlePuts } from './raw-loop.ts';
import { isLease, isWrite, until } from './stage.ts';
import { type Bench, eventLoopFigure, isWorkWrite, moveOn } from './writing.ts';

const changesAtRest = 100;
const changesInRollout = 25;
const betweenMs = 40;

/** One cluster's kernel changes → its work is updated: with the fleet at rest, then while all works are written anew. */
export async function kernelChanges(bench: Bench): Promise<Figure[]> {
  const { stage, clusters } = bench;
  const count = Math.min(changesAtRest, Math.floor(clusters / 4));
  const atRest = await bootSome(bench, { from: 0, count, by: 1 });
  const raw = await rawWorksOf(stage, moduleName(0));
  const rawMs = percentile(await singlePuts(stage, raw.slice(0, count)), 99);
  const mark = stage.log.mark();
  await moveOn(bench);
  await until(stage, 'the first work of the rollout', () => stage.byHub(mark).some(isWorkWrite));
  // Of the far end of the fleet, whose turn has not come.
  const few = Math.min(changesInRollout, Math.floor(clusters / 4));
  const meanwhile = await bootSome(bench, { from: clusters - few, count: few, by: 3 });
  await until(stage, 'the last', () => stage.byHub(mark).filter(isWorkWrite).length >= clusters);
  await stage.quiet();
  const unit = 'ms';
  const name = "one cluster's kernel changes → its work is updated, p99";
  return [
    {
      key: 'kernel',
      name: `${name} of ${count} at rest`,
      unit,
      measured: percentile(atRest, 99),
      raw: rawMs,
      goal: { of: 'measured', most: 100 },
    },
    { key: 'kernel-median', name: 'of these, the median', unit, measured: percentile(atRest, 50) },
    {
      key: 'kernel-rollout',
      name: `${name} of ${few} during a rollout`,
      unit,
      measured: percentile(meanwhile, 99),
      goal: { of: 'measured', most: 500 },
    },
  ];
}

/** Milliseconds from each change to the last write of its cluster's work. */
async function bootSome(bench: Bench, change: { from: number; count: number; by: number }): Promise<number[]> {
  const { stage } = bench;
  const mark = stage.log.mark();
  const names = new Set<string>();
  for (let index = change.from; index < change.from + change.count; index += 1) {
    names.add(clusterName(index));
    await bootKernel(stage.world, index, kernelAt(index + change.by));
    await sleep(systemClock, betweenMs);
  }
  const changes = new Map(
    stage
      .byWorld(mark)
      .filter(({ resource }) => resource === 'managedclusters/status')
      .map(({ name, receivedMs }) => [name, receivedMs]),
  );
  const written = () => {
    const last = new Map<string, number>();
    for (const asked of stage.byHub(mark).filter(isWorkWrite)) {
      // An answer may be logged after what the hub did upon the change.
      if (asked.answeredMs < (changes.get(asked.namespace) ?? Number.POSITIVE_INFINITY)) continue;
      last.set(asked.namespace, asked.answeredMs);
    }
    return last;
  };
  await until(stage, `works of ${change.count} clusters`, () => [...names].every((name) => written().has(name)));
  await stage.quiet();
  const last = written();
  return [...names].map((name) => (last.get(name) ?? Number.NaN) - (changes.get(name) ?? Number.NaN));
}

/** All agents report → the module's status says so. */
export async function reports(bench: Bench): Promise<Figure[]> {
  const { stage, clusters } = bench;
  const hub = stage.hub();
  const works = await worksOf(stage.world, moduleName(0));
  const statuses = works.map((work) => ({ work, status: loadedStatus(work) }));
  await hub.eventLoopMs();
  const { resourceVersion } = (await stage.world.list(manifestWorks, { limit: 1 })).metadata;
  const watching = new AbortController();
  const { signal } = watching;
  const seen = seenByWatch(stage.world, { resourceVersion, module: moduleName(0), count: clusters, signal });
  const [mark, cpu] = [stage.log.mark(), hub.cpuSeconds()];
  await Promise.all(statuses.map(({ work, status }) => writeStatus(stage.world, work, status)));
  await until(stage, 'a status of which all clusters succeeded', async () => {
    const module = await stage.world.get(managedClusterModules, { name: moduleName(0) });
    return module?.status?.rollout?.succeeded === clusters;
  });
  await stage.quiet();
  // Long since it has all, or the server has ended it.
  watching.abort();
  const own = stage.byWorld(mark).filter(({ resource }) => resource === 'manifestworks/status');
  const [firstMs, lastMs] = [own[0]?.receivedMs ?? Number.NaN, Math.max(...own.map(({ answeredMs }) => answeredMs))];
  const told = stage.byHub(mark).filter(({ resource }) => resource === 'managedclustermodules/status');
  const toldMs = told.at(-1)?.answeredMs ?? Number.NaN;
  return [
    {
      key: 'reports',
      name: 'all agents report → the status says so, after the last report',
      unit: 's',
      measured: Math.max(0, toldMs - lastMs) / 1000,
      raw: Math.max(0, (await seen) - lastMs) / 1000,
      goal: { of: 'measured', most: 1 },
    },
    // The first may follow at once what nobody waited for.
    {
      key: 'reports-writes',
      name: 'status writes a second meanwhile',
      unit: '/s',
      measured: (told.length - 1) / Math.max(1, (toldMs - firstMs) / 1000),
      goal: { of: 'measured', most: 1 },
    },
    { key: 'reports-cpu', name: `CPU of the hub for ${clusters} reports`, unit: 's', measured: hub.cpuSeconds() - cpu },
    eventLoopFigure('reports-loop', 'event-loop delay p99 meanwhile', await hub.eventLoopMs()),
  ];
}

interface Counted {
  module: string;
  count: number;
}

/** When a watch that does nothing else has a change of each of `count` works: nobody can tell earlier. NaN where it ended before. */
async function seenByWatch(
  client: KubeClient,
  { resourceVersion, module, count, signal }: Pick<WatchOptions, 'resourceVersion' | 'signal'> & Counted,
): Promise<number> {
  const labelSelector = `${labels.managedClusterModule}=${module}`;
  const clusters = new Set<string | undefined>();
  for await (const event of client.watch(manifestWorks, { resourceVersion, labelSelector, signal })) {
    if (event.type === 'MODIFIED') clusters.add(event.object.metadata.namespace);
    if (clusters.size === count) return systemClock.now();
  }
  return Number.NaN;
}

/** Nothing happens but that every agent sends its feedback again, in a status that differs. */
export async function atRest(bench: Bench, seconds: number): Promise<Figure[]> {
  const { stage, clusters } = bench;
  const hub = stage.hub();
  const works = await worksOf(stage.world, moduleName(0));
  await stage.quiet();
  const [mark, cpu, startMs] = [stage.log.mark(), hub.cpuSeconds(), systemClock.now()];
  for (const [index, work] of works.entries()) {
    const dueMs = startMs + (index * seconds * 1000) / clusters;
    if (dueMs > systemClock.now()) await sleep(systemClock, dueMs - systemClock.now());
    await writeStatus(stage.world, work, resent(work.status, bench.version));
  }
  await sleep(systemClock, Math.max(1000, startMs + seconds * 1000 - systemClock.now()));
  const tookSeconds = (systemClock.now() - startMs) / 1000;
  const cpuSeconds = hub.cpuSeconds() - cpu;
  const writes = stage.byHub(mark).filter((asked) => isWrite(asked) && !isLease(asked));
  return [
    {
      key: 'rest',
      name: `writes but the lease in ${Math.round(tookSeconds)} s at rest, feedback of all re-sent`,
      unit: '',
      measured: writes.length,
      goal: { of: 'measured', most: 0 },
    },
    { key: 'rest-cpu', name: 'CPU of the hub a second meanwhile', unit: 's', measured: cpuSeconds / tookSeconds },
    {
      key: 'rss',
      name: `resident memory with ${clusters} works`,
      unit: 'MiB',
      measured: hub.residentMiB(),
      goal: memoryGoal(clusters),
    },
  ];
}
