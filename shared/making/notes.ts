import { shortened } from '../core/conditions.ts';
import { oneLine } from '../core/one-line.ts';
import { isRecord } from '../core/record.ts';
import type { KubeClient } from '../kube/client.ts';
import { microTime } from '../kube/lease-state.ts';
import { annotations } from '../kube/names.ts';
import type { Pod } from '../kube/object.ts';
import { pods } from '../kube/resources.ts';
import type { Runtime } from '../kube/runtime.ts';
import { makingResources } from './job-view.ts';
import { makingReasons } from './making-reasons.ts';
import type { JobEnd, MakingJob, NotedEnd } from './picture.ts';
import { digestIn, endOfLog, messageCharsMax } from './said.ts';

interface Place {
  client: KubeClient;
  namespace: string;
  runtime: Pick<Runtime, 'clock'>;
}

/** What came of the Job, with the time when that was seen. It is kept on the Job: pods go. */
export async function noteResult(place: Place, job: MakingJob): Promise<NotedEnd> {
  const said = job.said ?? resultOf(await podsOf(place, job), job);
  const at = microTime(place.runtime.clock.now());
  await annotate(place, job, { [annotations.result]: JSON.stringify({ at, ...said }) });
  return { notedMs: Date.parse(at), ...said };
}

async function podsOf({ client, namespace }: Place, { name, uid: owner }: MakingJob): Promise<Pod[]> {
  const labelSelector = `batch.kubernetes.io/job-name=${name}`;
  const { items } = await client.list(pods, { namespace, labelSelector });
  return items.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner));
}

function resultOf(own: readonly Pod[], job: MakingJob): JobEnd {
  const texts = own.flatMap(({ status }) => [
    ...(status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.message),
    status?.message,
  ]);
  const text = texts.find((each) => each !== undefined && each !== '') ?? '';
  const said = sayingOf(text);
  if (job.phase === 'succeeded') return { ...(said?.digest && { digest: said.digest }), reason: '', message: '' };
  const reason = job.step === 'build' ? makingReasons.buildFailed : makingReasons.signFailed;
  if (said !== undefined) return { reason: said.reason || reason, message: said.message };
  return { reason, message: endOfLog(text) || 'its pod left no message: it was stopped, or took too long' };
}

/** The one JSON line that the signer and the build script end with (docs/guides/building.md). */
function sayingOf(text: string): { digest: string | undefined; reason: string; message: string } | undefined {
  const line = text.trim().split('\n').at(-1) ?? '';
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { digest, reason, message } = value;
  return {
    digest: digestIn(digest),
    reason: typeof reason === 'string' && /^[A-Za-z]{1,64}$/.test(reason) ? reason : '',
    message: shortened(oneLine(typeof message === 'string' ? message : ''), messageCharsMax),
  };
}

/** Of this very Job: one that took its name meanwhile refuses the UID. */
async function annotate({ client, namespace }: Place, job: MakingJob, noted: Record<string, string>): Promise<void> {
  const body = { metadata: { uid: job.uid, annotations: noted } };
  await client.patch(makingResources[job.kind], { namespace, name: job.name }, { type: 'merge', body });
}
