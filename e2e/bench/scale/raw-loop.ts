import { type ManifestWork, manifestWorks } from '@open-cluster-management/api-types';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Asked } from './audit-tail.ts';
import { isWrite, type Stage } from './stage.ts';

/** What a program needs that only writes: the same works under other names, with the hub's client and as many at once. */
export interface RawTime {
  readonly seconds: number;
  /** Of this process, which does nothing else meanwhile. */
  readonly cpuSeconds: number;
}

/** Without our label: they are none of the hub's business. */
export function rawWork({ metadata, ...work }: ManifestWork): ManifestWork {
  const { name, namespace, annotations } = metadata;
  const { status: _, ...rest } = work;
  return {
    ...rest,
    metadata: {
      name: `raw-${name}`,
      ...(namespace !== undefined && { namespace }),
      ...(annotations && { annotations }),
    },
  };
}

export async function postLoop(
  stage: Stage,
  works: readonly ManifestWork[],
): Promise<RawTime & { made: ManifestWork[] }> {
  const made: ManifestWork[] = [];
  const time = await timed(stage, async () => {
    made.push(...(await Promise.all(works.map((work) => stage.raw.create(manifestWorks, rawWork(work))))));
  });
  return { ...time, made };
}

/** Each with what its namesake of the hub says now. */
export async function putLoop(
  stage: Stage,
  made: readonly ManifestWork[],
  works: readonly ManifestWork[],
): Promise<RawTime & { made: ManifestWork[] }> {
  const byNamespace = new Map(works.map((work) => [work.metadata.namespace, work]));
  const wanted = made.map((present): ManifestWork => {
    const { spec, metadata } = rawWork(byNamespace.get(present.metadata.namespace) ?? present);
    return { ...present, spec, metadata: { ...present.metadata, annotations: metadata.annotations ?? {} } };
  });
  const written: ManifestWork[] = [];
  const time = await timed(stage, async () => {
    written.push(...(await Promise.all(wanted.map((work) => stage.raw.replace(manifestWorks, work)))));
  });
  return { ...time, made: written };
}

/** One after another, as changes of single clusters come: how long each takes. */
export async function singlePuts(client: KubeClient, made: readonly ManifestWork[], stage: Stage): Promise<number[]> {
  const mark = stage.log.mark();
  for (const work of made) {
    const metadata = { ...work.metadata, annotations: { ...work.metadata.annotations, again: 'yes' } };
    await client.replace(manifestWorks, { ...work, metadata });
  }
  return stage
    .byRaw(mark)
    .filter(isWrite)
    .map(({ receivedMs, answeredMs }) => answeredMs - receivedMs);
}

async function timed(stage: Stage, write: () => Promise<void>): Promise<RawTime> {
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
