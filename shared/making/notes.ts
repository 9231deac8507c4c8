import { shortened } from '../core/conditions.ts';
import { oneLine } from '../core/one-line.ts';
import { isRecord } from '../core/record.ts';
import type { KubeClient } from '../kube/client.ts';
import { microTime } from '../kube/lease-state.ts';
import { annotations } from '../kube/names.ts';
import type { Pod } from '../kube/object.ts';
import { jobs, pods } from '../kube/resources.ts';
import type { Runtime } from '../kube/runtime.ts';
import { makingReasons } from './making-reasons.ts';
import type { JobResult, MakingJob } from './picture.ts';

const messageCharsMax = 700;

interface Place {
  client: KubeClient;
  namespace: string;
  runtime: Pick<Runtime, 'clock'>;
}

/** Reads what the Job's pod said in the end, and keeps it on the Job: pods go. */
export async function noteResult(place: Place, job: MakingJob): Promise<JobResult> {
  const { client, namespace, runtime } = place;
  const labelSelector = `batch.kubernetes.io/job-name=${job.name}`;
  const { items } = await client.list(pods, { namespace, labelSelector });
  const own = items.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.uid));
  const said = resultOf(own, job);
  const at = microTime(runtime.clock.now());
  await annotate(place, job, { [annotations.result]: JSON.stringify({ at, ...said }) });
  return { atMs: Date.parse(at), ...said };
}

function resultOf(own: readonly Pod[], job: MakingJob): Omit<JobResult, 'atMs'> {
  const texts = own.flatMap(({ status }) => [
    ...(status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.message),
    status?.message,
  ]);
  const text = texts.find((each) => each !== undefined && each !== '') ?? '';
  const said = sayingOf(text);
  if (job.phase === 'succeeded') return { ...(said?.digest && { digest: said.digest }), reason: '', message: '' };
  const reason = job.step === 'build' ? makingReasons.buildFailed : makingReasons.signFailed;
  if (said !== undefined) return { reason: said.reason || reason, message: said.message };
  // The end of a log: its last lines say why.
  const end = oneLine(text.trim().split('\n').slice(-6).join(' | '));
  const message =
    end === '' ? 'its pod left no message: it was stopped, or took too long' : end.slice(-messageCharsMax);
  return { reason, message };
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
    digest: typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : undefined,
    reason: typeof reason === 'string' && /^[A-Za-z]{1,64}$/.test(reason) ? reason : '',
    message: shortened(oneLine(typeof message === 'string' ? message : ''), messageCharsMax),
  };
}

/** Of this very Job: one that took its name meanwhile refuses the UID. */
async function annotate({ client, namespace }: Place, job: MakingJob, noted: Record<string, string>): Promise<void> {
  const body = { metadata: { uid: job.uid, annotations: noted } };
  await client.patch(jobs, { namespace, name: job.name }, { type: 'merge', body });
}
