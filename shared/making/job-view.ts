import type { OpenShiftBuild } from '../build/openshift-build.ts';
import { builds } from '../build/openshift-kinds.ts';
import { isRecord } from '../core/record.ts';
import { annotations, labels } from '../kube/names.ts';
import type { Job, KubeObject, Resource } from '../kube/object.ts';
import { jobs } from '../kube/resources.ts';
import { buildState, type StatedByStatus } from './build-state.ts';
import type { MakingJob, NotedEnd, Step } from './picture.ts';

/** What makes images. */
export type MakingObject = Job | OpenShiftBuild;

export const makingResources: Record<MakingJob['kind'], Resource<KubeObject>> = { Job: jobs, Build: builds };

export interface JobView extends Omit<MakingJob, 'result'>, Pick<StatedByStatus, 'isWaiting'> {
  noted: NotedEnd | undefined;
}

/** What a Job or Build says of itself; undefined for one that is none of ours. What people wrote into it is not trusted to be well-formed. */
export function viewJob(object: MakingObject): JobView | undefined {
  const { name, uid = '', labels: labelled = {}, annotations: written = {}, deletionTimestamp } = object.metadata;
  const step = labelled[labels.buildType];
  if (!isStep(step) || written[annotations.image] === undefined) return undefined;
  const { phase, endedAt, said, isWaiting, trouble } = isBuild(object) ? buildState(object) : jobState(object);
  return {
    kind: isBuild(object) ? 'Build' : 'Job',
    name,
    uid,
    step,
    hash: written[annotations.inputsHash] ?? '',
    attempt: Math.max(1, Number.parseInt(written[annotations.attempt] ?? '1', 10) || 1),
    seconds: secondsOf(object.metadata.creationTimestamp, endedAt),
    phase: deletionTimestamp ? 'terminating' : phase,
    said,
    noted: endIn(written[annotations.result]),
    ...(trouble !== undefined && { podTrouble: trouble }),
    ...(isWaiting && { isWaiting }),
  };
}

export function imageOf(object: KubeObject | undefined): string | undefined {
  return object?.metadata.annotations?.[annotations.image];
}

function isBuild(object: MakingObject): object is OpenShiftBuild {
  return object.kind === builds.kind;
}

/** What it made, its pod says. */
function jobState({ status }: Job): StatedByStatus {
  const end = status?.conditions?.find(({ type, status: is }) => isEnd(type) && is === 'True');
  return { phase: phaseOf(end?.type), endedAt: end?.lastTransitionTime, said: undefined };
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

function endIn(text: string | undefined): NotedEnd | undefined {
  const value = parsed(text);
  if (!isRecord(value) || typeof value['at'] !== 'string') return undefined;
  const { at, digest, reason, message } = value;
  return {
    notedMs: Date.parse(at) || 0,
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
