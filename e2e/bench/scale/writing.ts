import { managedClusterModules, manifestWorks } from '@open-cluster-management/api-types';
import { assert } from '../../../shared/core/assert.ts';
import { worksOf } from './agents.ts';
import type { Asked } from './audit-tail.ts';
import { acrossRuns, type Figure, goalsInSeconds, ratio } from './figures.ts';
import { createModule, moduleName, moveModule, pushVersion } from './fleet.ts';
import { postLoop, putLoop, rawWorksOf, spanSeconds } from './raw-loop.ts';
import { isLease, isWrite, type Stage, until } from './stage.ts';

/** What all steps of one fleet share. */
export interface Bench {
  readonly stage: Stage;
  readonly clusters: number;
  /** Number of the version that the first module has. */
  version: number;
  /** What each loop took that made new works. */
  readonly rawSeconds: number[];
  /** When the hub had ended. */
  readonly restartsAtMs: number[];
  say(text: string): void;
}

export const isWorkWrite = (asked: Asked) => asked.resource === 'manifestworks' && isWrite(asked) && asked.code < 300;

/** A module that all clusters are selected by; `count` of them at once. */
export async function addModules(bench: Bench, from: number, count: number): Promise<void> {
  const { stage, clusters } = bench;
  const mark = stage.log.mark();
  for (let index = from; index < from + count; index += 1) {
    const name = moduleName(index);
    pushVersion(stage.registry, name, 'v1');
    await createModule(stage.world, { name, host: stage.registry.host });
  }
  const wanted = clusters * count;
  await until(stage, `${wanted} new works`, () => stage.byHub(mark).filter(isWorkWrite).length >= wanted);
  await stage.quiet();
}

/** New module → last work; beside a loop that only writes as many. */
export function newModule(bench: Bench): Promise<Figure[]> {
  return severalTimes(bench, (nth) => newModuleOnce(bench, nth));
}

/** The first module stays; others come and go. */
async function newModuleOnce(bench: Bench, nth: number): Promise<Figure[]> {
  const { stage, clusters } = bench;
  const hub = stage.hub();
  const index = nth === 0 ? 0 : 100 + nth;
  await hub.eventLoopMs();
  const [mark, cpu] = [stage.log.mark(), hub.cpuSeconds()];
  await addModules(bench, index, 1);
  const cpuSeconds = hub.cpuSeconds() - cpu;
  const eventLoopMs = await hub.eventLoopMs();
  const asked = stage.byHub(mark).filter((each) => !isLease(each));
  const raw = await postLoop(stage, moduleName(index));
  const figures: Figure[] = [
    ...spread(bench, 'new-module', 'new module → last ManifestWork exists', { mark, raw: raw.seconds }),
    requestsFigure('new-module', 'API requests of the hub a cluster for it', asked.length / clusters),
    {
      key: 'new-module-cpu',
      name: `CPU of the hub for ${clusters} new works`,
      unit: 's',
      measured: cpuSeconds,
      raw: raw.cpuSeconds,
      goal: goalsInSeconds.cpu(clusters),
    },
    eventLoopFigure('new-module-loop', 'event-loop delay p99 meanwhile', eventLoopMs),
  ];
  bench.rawSeconds.push(raw.seconds);
  if (nth > 0) await removeModule(bench, index);
  return figures;
}

/** Nothing collects garbage here: its works are deleted like those of the raw loop; its ControllerRevision stays. */
async function removeModule({ stage }: Bench, index: number): Promise<void> {
  const name = moduleName(index);
  await stage.world.delete(managedClusterModules, { name });
  const works = [...(await worksOf(stage.world, name)), ...(await rawWorksOf(stage, name))];
  await Promise.all(works.map(({ metadata }) => stage.world.delete(manifestWorks, metadata)));
  await stage.quiet();
  const left = (await worksOf(stage.world, name)).length;
  assert(left === 0, `expected no work of ${name}, which is gone, got ${left}`);
}

/** New image of all clusters at once → last work updated. */
export function newImage(bench: Bench): Promise<Figure[]> {
  return severalTimes(bench, () => newImageOnce(bench));
}

async function newImageOnce(bench: Bench): Promise<Figure[]> {
  const { stage, clusters } = bench;
  const hub = stage.hub();
  await hub.eventLoopMs();
  const [mark, cpu] = [stage.log.mark(), hub.cpuSeconds()];
  await moveOn(bench);
  await until(stage, `${clusters} works updated`, () => stage.byHub(mark).filter(isWorkWrite).length >= clusters);
  await stage.quiet();
  const cpuSeconds = hub.cpuSeconds() - cpu;
  const eventLoopMs = await hub.eventLoopMs();
  const asked = stage.byHub(mark).filter((each) => !isLease(each));
  const raw = await putLoop(stage, moduleName(0));
  return [
    ...spread(bench, 'new-image', 'new image (`All`) → last work updated', { mark, raw: raw.seconds }),
    requestsFigure('new-image', 'API requests of the hub a cluster for it', asked.length / clusters),
    { key: 'new-image-cpu', name: 'CPU of the hub for it', unit: 's', measured: cpuSeconds, raw: raw.cpuSeconds },
    eventLoopFigure('new-image-loop', 'event-loop delay p99 meanwhile', eventLoopMs),
  ];
}

/** More often in a fleet whose runs are short: the machine's pace changes within seconds, and a ratio of single runs by a third. */
function timesOf({ clusters }: Bench): number {
  return clusters > 5000 ? 3 : 6;
}

async function severalTimes(bench: Bench, measure: (nth: number) => Promise<Figure[]>): Promise<Figure[]> {
  const runs: Figure[][] = [];
  for (let nth = 0; nth < timesOf(bench); nth += 1) {
    const figures = await measure(nth);
    runs.push(figures);
    const [time] = figures;
    if (time !== undefined) bench.say(`  ${time.name}: ${ratio(time)?.toFixed(2)} × raw`);
  }
  return acrossRuns(runs);
}

/** The next version of the first module. */
export async function moveOn(bench: Bench): Promise<void> {
  const { stage } = bench;
  bench.version += 1;
  const [name, version] = [moduleName(0), `v${bench.version}`];
  pushVersion(stage.registry, name, version);
  await moveModule(stage.world, { name, host: stage.registry.host, version });
}

/** From what the world did until the last work; and of that, how long until the first. */
function spread(bench: Bench, key: string, name: string, of: { mark: number; raw: number }): Figure[] {
  const { stage } = bench;
  const began = stage.byWorld(of.mark).find(({ resource }) => resource === managedClusterModules.plural);
  const writes = stage.byHub(of.mark).filter(isWorkWrite);
  const beganMs = began?.receivedMs ?? Number.NaN;
  const lastMs = writes.reduce((most, { answeredMs }) => Math.max(most, answeredMs), 0);
  const firstMs = writes.reduce((least, { answeredMs }) => Math.min(least, answeredMs), Number.POSITIVE_INFINITY);
  const seconds = (lastMs - beganMs) / 1000;
  return [
    { key, name, unit: 's', measured: seconds, raw: of.raw, goal: { of: 'ratio', most: 1.3 } },
    { key: `${key}-first`, name: 'of that, until the first', unit: 's', measured: (firstMs - beganMs) / 1000 },
    {
      key: `${key}-writing`,
      name: 'of that, from the first write to the last',
      unit: 's',
      measured: spanSeconds(writes),
      raw: of.raw,
    },
  ];
}

function requestsFigure(key: string, name: string, measured: number): Figure {
  return { key: `${key}-requests`, name, unit: '', measured, raw: 1, goal: { of: 'measured', most: 1.05 } };
}

export function eventLoopFigure(key: string, name: string, measured: number): Figure {
  return { key, name, unit: 'ms', measured, goal: { of: 'measured', most: 50 } };
}
