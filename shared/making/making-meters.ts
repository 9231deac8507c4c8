import type { Counter, Histogram, Meters } from '../kube/runtime.ts';
import type { Step } from './picture.ts';

/** Seconds: compiling a driver takes a minute, a large one half an hour. */
const buckets = [1, 5, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600];

/** How many images are made, how long that takes, and why it fails. */
export class MakingMeters {
  readonly #ended: Counter;
  readonly #seconds: Histogram;

  constructor(meters: Meters) {
    this.#ended = meters.counter({
      name: 'kmm_image_jobs_total',
      help: 'Jobs that make images, by step (build, sign) and how they ended: Succeeded, Cancelled, or the reason of the failure',
      labels: ['step', 'result'],
    });
    this.#seconds = meters.histogram({
      name: 'kmm_image_job_duration_seconds',
      help: 'How long a Job took that makes an image, from its creation to its end, by step',
      labels: ['step'],
      buckets,
    });
  }

  ended(step: Step, result: string, seconds: number | undefined): void {
    this.#ended.add({ step, result });
    if (seconds !== undefined) this.#seconds.observe(seconds, { step });
  }
}
