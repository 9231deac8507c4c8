import type { Want } from './image-wants.ts';
import type { JobResult, MakingJob, Step } from './picture.ts';

/** Told of what happens to images: events and metrics (facts, behaviour (h)). */
export interface Told {
  created(step: Step, want: Want): void;
  ended(job: MakingJob, result: JobResult, wants: readonly Want[]): void;
  cancelled(job: MakingJob, wants: readonly Want[], why: string): void;
}
