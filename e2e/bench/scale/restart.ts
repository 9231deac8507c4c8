import { manifestWorks } from '@open-cluster-management/api-types';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import { labels } from '../../../shared/kube/names.ts';
import type { Asked } from './audit-tail.ts';
import { type Figure, goalsInSeconds, mean, memoryGoal } from './figures.ts';
import { bootKernel, clusterName, kernelAt } from './fleet.ts';
import { isLease, isWrite, type Stage, until } from './stage.ts';
import { type Bench, eventLoopFigure, isWorkWrite } from './writing.ts';

/**
 * The hub ends and starts again, twice: first nothing has happened meanwhile, and nothing may be written; then one cluster
 * has booted another kernel, and that is the first decision.
 */
export async function restart(bench: Bench, modules: number): Promise<Figure[]> {
  const { stage, clusters } = bench;
  const needless = await restartForNothing(bench);
  await stopHub(bench);
  const changed = clusters - 1;
  await bootKernel(stage.world, changed, kernelAt(changed + 5));
  const rawSeconds = await listSeconds(stage);
  const [mark, startMs] = [stage.log.mark(), systemClock.now()];
  const hub = await stage.startHub();
  const isDecision = (each: Asked) => isWorkWrite(each) && each.namespace === clusterName(changed);
  // Looks at clusters that need nothing send nothing: to be quiet is not to be done.
  await until(stage, 'the first decision', () => stage.byHub(mark).some(isDecision));
  await stage.quiet(3000);
  const asked = stage.byHub(mark);
  const ownMs = asked.find(isLease)?.answeredMs ?? Number.NaN;
  const syncedMs = Math.max(...asked.filter(({ verb }) => verb === 'watch').map(({ answeredMs }) => answeredMs));
  const decidedMs = Math.min(...asked.filter(isDecision).map(({ answeredMs }) => answeredMs));
  const tale = (what: string, ms: number) => ({ name: what, unit: 's' as const, measured: (ms - startMs) / 1000 });
  const loopMs = await hub.eventLoopMs();
  await sleep(systemClock, 5000);
  return [
    { key: 'restart-lease', ...tale('restart: process started → lease asked for', ownMs) },
    { key: 'restart-synced', ...tale('restart: process started → all lists read', syncedMs), raw: rawSeconds },
    {
      key: 'restart',
      ...tale('restart: process started → first decision written; the POST loop', decidedMs),
      raw: mean(bench.rawSeconds),
      goal: goalsInSeconds.restart(clusters),
    },
    {
      key: 'restart-writes',
      name: 'restart for nothing: writes but the lease',
      unit: '',
      measured: needless,
      goal: { of: 'measured', most: 0 },
    },
    { key: 'restart-cpu', name: 'restart: CPU until quiet', unit: 's', measured: hub.cpuSeconds() },
    eventLoopFigure('restart-loop', 'restart: event-loop delay p99', loopMs),
    {
      key: 'rss-modules',
      name: `resident memory with ${clusters * modules} works, after the restart`,
      unit: 'MiB',
      measured: hub.residentMiB(),
      goal: memoryGoal(clusters * modules),
    },
    { key: 'rss-modules-peak', name: 'of that, the peak', unit: 'MiB', measured: hub.peakMiB() },
  ];
}

async function restartForNothing(bench: Bench): Promise<number> {
  const { stage, say } = bench;
  await stopHub(bench);
  const mark = stage.log.mark();
  await stage.startHub();
  await stage.quiet(3000);
  const writes = stage.byHub(mark).filter((asked) => isWrite(asked) && !isLease(asked));
  for (const { verb, resource, namespace, name } of writes) say(`  ${verb} ${resource} ${namespace}/${name}`);
  return writes.length;
}

async function stopHub({ stage, restartsAtMs }: Bench): Promise<void> {
  await stage.hub().stop();
  restartsAtMs.push(systemClock.now());
}

/** The same works listed by a program that does nothing with them. */
async function listSeconds({ raw }: Stage): Promise<number> {
  const startMs = systemClock.now();
  for (let token: string | undefined; ; ) {
    const page = await raw.list(manifestWorks, {
      limit: 500,
      continue: token,
      labelSelector: labels.managedClusterModule,
    });
    token = page.metadata.continue;
    if (!token) return (systemClock.now() - startMs) / 1000;
  }
}

/** Renewals that came more than a period late, in all that was asked. */
export function missedRenewals({ stage, restartsAtMs }: Bench): Figure[] {
  const renewals = stage.byHub(0).filter((asked) => isLease(asked) && asked.verb === 'update');
  const late = renewals.slice(1).filter((asked, index) => {
    const before = renewals[index]?.answeredMs ?? 0;
    const isRestart = restartsAtMs.some((atMs) => before < atMs + 1000 && asked.answeredMs > atMs);
    return !isRestart && asked.answeredMs - before > 4000;
  });
  const refused = renewals.filter(({ code }) => code >= 300);
  return [
    {
      key: 'lease',
      name: `lease renewals missed, of ${renewals.length}`,
      unit: '',
      measured: late.length + refused.length,
      goal: { of: 'measured', most: 0 },
    },
  ];
}
