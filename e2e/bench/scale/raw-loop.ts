import { type ManifestWork, manifestWorks } from '@open-cluster-management/api-types';
import { assert } from '../../../shared/core/assert.ts';
import { labels } from '../../../shared/kube/names.ts';
import { worksOf } from './agents.ts';
import type { Asked } from './audit-tail.ts';
import { isWrite, type Stage } from './stage.ts';

/** What a program needs that only writes: the same works under other names, with the hub's client and as many at once. */
export interface RawTime {
  readonly seconds: number;
  /** Of this process, which does nothing else meanwhile. */
  readonly cpuSeconds: number;
}

const rawLabel = labels.managedClusterModule.replace(/^.../, 'raw');

/**
 * The hub's work under another name. It weighs the same for wire and API server: its owner, and a label as long under a key that
 * is none of the hub's business. Nobody collects garbage here.
 */
export function rawWork({ metadata, status: _, ...work }: ManifestWork): ManifestWork {
  const { name, namespace, annotations, ownerReferences } = metadata;
  const module = metadata.labels?.[labels.managedClusterModule] ?? '';
  return {
    ...work,
    metadata: {
      name: `raw-${name}`,
      ...(namespace !== undefined && { namespace }),
      labels: { [rawLabel]: module },
      ...(annotations && { annotations }),
      ...(ownerReferences && { ownerReferences }),
    },
  };
}

/** The loop's works of a module, without managed fields: the hub does not send them either. */
export async function rawWorksOf(stage: Stage, module: string): Promise<ManifestWork[]> {
  const works: (ManifestWork & { metadata: { managedFields?: unknown } })[] = await worksOf(
    stage.raw,
    module,
    rawLabel,
  );
  return works.map(({ metadata: { managedFields: _, ...metadata }, ...work }) => ({ ...work, metadata }));
}

/** The hub's works of the module. Like the hub, the loop reads no answer. */
export async function postLoop(stage: Stage, module: string): Promise<RawTime> {
  const wanted = (await worksOf(stage.world, module)).map(rawWork);
  const write = (work: ManifestWork) => stage.raw.create(manifestWorks, work, { answer: 'unread' });
  return timed(stage, () => Promise.all(wanted.map(write)));
}

/** The loop's works of the module, each with what its namesake of the hub says now. */
export async function putLoop(stage: Stage, module: string): Promise<RawTime> {
  const hubs = (await worksOf(stage.world, module)).map(rawWork);
  const byNamespace = new Map(hubs.map((work) => [work.metadata.namespace, work]));
  const wanted = (await rawWorksOf(stage, module)).map((present): ManifestWork => {
    const work = byNamespace.get(present.metadata.namespace);
    assert(work !== undefined, `expected a work of the hub in ${present.metadata.namespace}`);
    return { ...work, metadata: { ...present.metadata, ...work.metadata } };
  });
  const write = (work: ManifestWork) => stage.raw.replace(manifestWorks, work, { answer: 'unread' });
  return timed(stage, () => Promise.all(wanted.map(write)));
}

/** One after another, as changes of single clusters come: how long each takes. */
export async function singlePuts(stage: Stage, works: readonly ManifestWork[]): Promise<number[]> {
  const mark = stage.log.mark();
  for (const work of works) {
    const metadata = { ...work.metadata, annotations: { ...work.metadata.annotations, again: 'yes' } };
    await stage.raw.replace(manifestWorks, { ...work, metadata });
  }
  return stage
    .byRaw(mark)
    .filter(isWrite)
    .map(({ receivedMs, answeredMs }) => answeredMs - receivedMs);
}

async function timed(stage: Stage, write: () => Promise<unknown>): Promise<RawTime> {
  const mark = stage.log.mark();
  const before = process.cpuUsage();
  await write();
  const { user, system } = process.cpuUsage(before);
  return { seconds: spanSeconds(stage.byRaw(mark).filter(isWrite)), cpuSeconds: (user + system) / 1e6 };
}

/** From the first that came in to the last that was answered. */
export function spanSeconds(asked: readonly Asked[]): number {
  const first = asked.reduce((least, { receivedMs }) => Math.min(least, receivedMs), Number.POSITIVE_INFINITY);
  const last = asked.reduce((most, { answeredMs }) => Math.max(most, answeredMs), 0);
  return asked.length === 0 ? 0 : (last - first) / 1000;
}
