import type { ImageState } from '../images/look-up.ts';
import { makingReasons } from './making-reasons.ts';
import { type MakingJob, type MakingPicture, neverMs, type Step } from './picture.ts';

/** What is said of an image whose step is not done. */
export function working(step: Step, message = 'is under way'): ImageState & { state: 'Building' | 'Signing' } {
  return step === 'build'
    ? { state: 'Building', reason: makingReasons.building, message: `its build ${message}` }
    : { state: 'Signing', reason: makingReasons.signing, message: `its signing ${message}` };
}

/** A kernel's architecture is built on nodes of it only: where there are none, the scheduler's words do not say that. */
export function underWay({ recipe }: MakingPicture, { step, podTrouble }: MakingJob): ImageState {
  if (podTrouble === undefined) return working(step);
  const needs =
    step === 'build' && recipe?.architecture !== undefined
      ? ` (a build for kernel ${recipe.kernel} runs on nodes with kubernetes.io/arch=${recipe.architecture} only)`
      : '';
  return working(
    step,
    `waits, its pod does not start: ${podTrouble}${podTrouble.startsWith('Unschedulable') ? needs : ''}`,
  );
}

/** By what it is built is not known yet. */
export function waiting(until: string): ImageState {
  return { ...working('build', `waits until ${until}`), reason: makingReasons.queued };
}

export function anew(step: Step): ImageState {
  return working(step, 'begins anew');
}

export function withMessage(job: MakingJob, message: string, reason = ''): MakingJob {
  return { ...job, result: { atMs: job.result?.atMs ?? neverMs, reason, message } };
}
