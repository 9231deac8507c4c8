import type { Clock } from '../core/clock.ts';
import { sha256Hex } from '../core/hash.ts';
import type { CacheView } from '../kube/cache.ts';
import type { Job, Pod } from '../kube/object.ts';
import { type CondemnedNote, noteIn } from './condemned.ts';
import { imageOf, viewJob } from './job-view.ts';
import type { MakingJob } from './picture.ts';
import type { PlacesUser } from './places.ts';
import { podIndex, podTrouble } from './step-pods.ts';

/** The index of the cache of Jobs by the hash of the image's name. */
export const jobIndex = 'image';

/** Label of a Job, and what the index knows it by. */
export function imageHash(image: string): string {
  return sha256Hex(image).slice(0, 16);
}

/** What was deleted before the cache could show it is never seen. */
const unseenMsMax = 30_000;
/** From the end of a build to its signature, or to the registry's word that the image is there. */
const betweenJobsMsMax = 60_000;

/** The Jobs that make images: those of the cache, and those that were made just now and that it does not show yet. */
export class JobShelf {
  readonly #jobs: CacheView<Job>;
  readonly #pods: Pick<CacheView<Pod>, 'byIndex'> | undefined;
  readonly #clock: Clock;
  /** Image → the Job that was made for it. */
  readonly #made = new Map<string, { name: string; untilMs: number }>();

  constructor(of: { jobs: CacheView<Job>; pods?: Pick<CacheView<Pod>, 'byIndex'> | undefined }, clock: Clock) {
    this.#jobs = of.jobs;
    this.#pods = of.pods;
    this.#clock = clock;
  }

  of(image: string): MakingJob[] {
    const objects = this.#jobs.byIndex(jobIndex, imageHash(image)).filter((job) => imageOf(job) === image);
    const jobs = objects.flatMap((job) => this.#viewed(viewJob(job)));
    const made = this.#made.get(image);
    const isSeen = jobs.some(({ name }) => name === made?.name);
    if (isSeen || (made && made.untilMs <= this.#clock.now())) this.#made.delete(image);
    return jobs;
  }

  condemned(image: string): CondemnedNote | undefined {
    const objects = this.#jobs.byIndex(jobIndex, imageHash(image)).filter((job) => imageOf(job) === image);
    return objects.map(noteIn).find((note) => note !== undefined);
  }

  #viewed(job: MakingJob | undefined): MakingJob[] {
    if (job?.phase !== 'active') return job === undefined ? [] : [job];
    const troubles = this.#pods?.byIndex(podIndex, job.uid).flatMap((pod) => podTrouble(pod) ?? []) ?? [];
    return [{ ...job, ...(troubles[0] !== undefined && { podTrouble: troubles[0] }) }];
  }

  /** A Job was made, or is just being made, that is not seen yet. */
  isMaking(image: string): boolean {
    return this.#made.has(image);
  }

  /** A Job works on it, or has just ended and may be followed by the next. */
  isBusy(image: string): boolean {
    const nowMs = this.#clock.now();
    const isAtWork = ({ phase, result }: MakingJob) =>
      phase === 'active' ||
      phase === 'terminating' ||
      (phase === 'succeeded' && nowMs - (result?.atMs ?? nowMs) < betweenJobsMsMax);
    return this.of(image).some(isAtWork) || this.isMaking(image);
  }

  /** As others see it who share its places. */
  asUser(lookAtQueued: () => void): PlacesUser {
    const isSynced = () => this.#jobs.synced;
    return { isSynced, running: () => this.running(), isBusy: (image) => this.isBusy(image), lookAtQueued };
  }

  noteMade(image: string, name: string): void {
    this.#made.set(image, { name, untilMs: this.#clock.now() + unseenMsMax });
  }

  noteNotMade(image: string): void {
    this.#made.delete(image);
  }

  /** How many work, or have pods that may. */
  running(): number {
    const active = this.#jobs.list().filter((job) => {
      const phase = viewJob(job)?.phase;
      return phase === 'active' || phase === 'terminating';
    });
    return active.length + this.#made.size;
  }
}
