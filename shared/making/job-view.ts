import { isRecord } from '../core/record.ts';
import { annotations, labels } from '../kube/names.ts';
import type { Job } from '../kube/object.ts';
import type { JobResult, MakingJob, Step } from './picture.ts';

/** What a Job says of itself; undefined for one that is none of ours. What people wrote into it is not trusted to be well-formed. */
export function viewJob(job: Job): MakingJob | undefined {
  const { name, uid = '', labels: labelled = {}, annotations: noted = {}, deletionTimestamp } = job.metadata;
  const step = labelled[labels.buildType];
  if (!isStep(step) || noted[annotations.image] === undefined) return undefined;
  const end = job.status?.conditions?.find(({ type, status }) => isEnd(type) && status === 'True');
  return {
    name,
    uid,
    step,
    hash: noted[annotations.inputsHash] ?? '',
    attempt: Math.max(1, Number.parseInt(noted[annotations.attempt] ?? '1', 10) || 1),
    seconds: secondsOf(job.metadata.creationTimestamp, end?.lastTransitionTime),
    phase: deletionTimestamp ? 'terminating' : phaseOf(end?.type),
    result: resultIn(noted[annotations.result]),
  };
}

export function imageOf(job: Job | undefined): string | undefined {
  return job?.metadata.annotations?.[annotations.image];
}

function secondsOf(from: string | undefined, to: string | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}

function isStep(text: string | undefined): text is Step {
  return text === 'build' || text === 'sign';
}

function isEnd(type: string): boolean {
  return type === 'Complete' || type === 'Failed';
}

function phaseOf(end: string | undefined): MakingJob['phase'] {
  if (end === undefined) return 'active';
  return end === 'Complete' ? 'succeeded' : 'failed';
}

function resultIn(text: string | undefined): JobResult | undefined {
  const value = parsed(text);
  if (!isRecord(value) || typeof value['at'] !== 'string') return undefined;
  const { at, digest, reason, message } = value;
  return {
    atMs: Date.parse(at) || 0,
    ...(typeof digest === 'string' && { digest }),
    reason: typeof reason === 'string' ? reason : '',
    message: typeof message === 'string' ? message : '',
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
