import type { Ordered } from './orders.ts';
import type { JobEnd, MakingJob, Step } from './picture.ts';

/** Told of what happens to images: events and metrics (facts, behaviour (h)). */
export interface Told {
  created(step: Step, want: Ordered, job: Pick<MakingJob, 'kind' | 'name'>): void;
  ended(job: MakingJob, end: JobEnd, wants: readonly Ordered[]): void;
  cancelled(job: MakingJob, wants: readonly Ordered[], why: string): void;
}
