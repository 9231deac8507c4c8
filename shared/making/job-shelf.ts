import type { Clock } from '../core/clock.ts';
import { sha256Hex } from '../core/hash.ts';
import type { CacheView } from '../kube/cache.ts';
import type { Pod } from '../kube/object.ts';
import { type CondemnedNote, noteIn } from './condemned.ts';
import { imageOf, type MakingObject, viewJob } from './job-view.ts';
import type { JobResult, MakingJob, NotedEnd } from './picture.ts';
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

/** The Jobs and Builds that make images: those of the caches, and what was done just now and they do not show yet. */
export class JobShelf {
  readonly #jobs: readonly CacheView<MakingObject>[];
  readonly #pods: readonly Pick<CacheView<Pod>, 'byIndex'>[];
  readonly #buildTimeoutMs: number;
  readonly #clock: Clock;
  /** Image → the Job that was made for it. */
  readonly #made = new Map<string, { name: string; untilMs: number }>();
  /** UID → what came of the Job. */
  readonly #read = new Map<string, { noted: NotedEnd; untilMs: number }>();
  /** UID → when its end was noted, by `Clock.passed()`. */
  readonly #ended = new Map<string, number>();
  /** UID → until when a Build that is given up may still be seen. */
  readonly #givenUp = new Map<string, number>();
  /** UID → since when a Build is seen to wait. */
  readonly #waiting = new Map<string, number>();

  constructor(
    of: {
      jobs: readonly CacheView<MakingObject>[];
      pods?: readonly Pick<CacheView<Pod>, 'byIndex'>[];
      buildTimeoutMs: number;
    },
    clock: Clock,
  ) {
    this.#jobs = of.jobs;
    this.#pods = of.pods ?? [];
    this.#buildTimeoutMs = of.buildTimeoutMs;
    this.#clock = clock;
  }

  of(image: string): MakingJob[] {
    const jobs = this.#objects(image).flatMap((object) => this.#view(object) ?? []);
    const made = this.#made.get(image);
    const isSeen = jobs.some(({ name }) => name === made?.name);
    if (isSeen || (made && made.untilMs <= this.#clock.passed())) this.#made.delete(image);
    return jobs;
  }

  condemned(image: string): CondemnedNote | undefined {
    return this.#objects(image)
      .map(noteIn)
      .find((note) => note !== undefined);
  }

  #objects(image: string): MakingObject[] {
    const ofHash = this.#jobs.flatMap((cache) => cache.byIndex(jobIndex, imageHash(image)));
    return ofHash.filter((job) => imageOf(job) === image);
  }

  #view(object: MakingObject): MakingJob | undefined {
    const view = viewJob(object);
    if (view === undefined) return undefined;
    const { isWaiting = false, noted = this.#read.get(view.uid)?.noted, ...job } = view;
    const result = this.#byPassedTime(view.uid, noted);
    if (view.phase !== 'active') return { ...job, result };
    if ((this.#givenUp.get(view.uid) ?? 0) > this.#clock.passed()) return { ...job, result, phase: 'terminating' };
    const trouble = this.#podTrouble(view.uid) ?? view.podTrouble;
    return { ...job, result, ...(trouble !== undefined && { podTrouble: trouble }), ...this.#end(view.uid, isWaiting) };
  }

  /** A hub that starts again knows nothing of the time before. */
  #end(uid: string, isWaiting: boolean): Pick<MakingJob, 'leftMs'> {
    if (!isWaiting) {
      this.#waiting.delete(uid);
      return {};
    }
    const passedMs = this.#clock.passed();
    const sinceMs = this.#waiting.get(uid) ?? passedMs;
    if (!this.#waiting.has(uid)) this.#forgetGone();
    this.#waiting.set(uid, sinceMs);
    return { leftMs: sinceMs + this.#buildTimeoutMs - passedMs };
  }

  #forgetGone(): void {
    const present = new Set(this.#jobs.flatMap((cache) => cache.list()).map(({ metadata }) => metadata.uid));
    for (const uid of this.#waiting.keys()) if (!present.has(uid)) this.#waiting.delete(uid);
    for (const uid of this.#givenUp.keys()) if (!present.has(uid)) this.#givenUp.delete(uid);
    for (const uid of this.#ended.keys()) if (!present.has(uid)) this.#ended.delete(uid);
  }

  /**
   * Its note has wall time, and that may be set, or be of another's clock: how long ago it was is found out with the first
   * look. One that is ahead of us is of that moment.
   */
  #byPassedTime(uid: string, noted: NotedEnd | undefined): JobResult | undefined {
    if (noted === undefined) return undefined;
    const { notedMs, ...end } = noted;
    const atMs = this.#ended.get(uid) ?? this.#clock.passed() - Math.max(0, this.#clock.now() - notedMs);
    this.#ended.set(uid, atMs);
    return { ...end, atMs };
  }

  #podTrouble(uid: string): string | undefined {
    const found = this.#pods.flatMap((cache) => cache.byIndex(podIndex, uid));
    return found.map(podTrouble).find((trouble) => trouble !== undefined);
  }

  /** It stands on the Job now. */
  noteRead({ uid }: MakingJob, noted: NotedEnd): void {
    const passedMs = this.#clock.passed();
    for (const [each, { untilMs }] of this.#read) if (untilMs <= passedMs) this.#read.delete(each);
    this.#read.set(uid, { noted, untilMs: passedMs + unseenMsMax });
    this.#forgetGone();
    this.#ended.set(uid, passedMs);
  }

  /** It is deleted. */
  noteGivenUp({ uid }: MakingJob): void {
    this.#givenUp.set(uid, this.#clock.passed() + unseenMsMax);
  }

  /** A Job was made, or is just being made, that is not seen yet. */
  isMaking(image: string): boolean {
    return this.#made.has(image);
  }

  /** A Job works on it, or has just ended and may be followed by the next. */
  isBusy(image: string): boolean {
    const nowMs = this.#clock.passed();
    const isAtWork = ({ phase, result }: MakingJob) =>
      phase === 'active' ||
      phase === 'terminating' ||
      (phase === 'succeeded' && nowMs - (result?.atMs ?? nowMs) < betweenJobsMsMax);
    return this.of(image).some(isAtWork) || this.isMaking(image);
  }

  /** As others see it who share its places. */
  asUser(lookAtQueued: () => void): PlacesUser {
    const isSynced = () => this.#jobs.every(({ synced }) => synced);
    return { isSynced, running: () => this.running(), isBusy: (image) => this.isBusy(image), lookAtQueued };
  }

  noteMade(image: string, name: string): void {
    this.#made.set(image, { name, untilMs: this.#clock.passed() + unseenMsMax });
  }

  noteNotMade(image: string): void {
    this.#made.delete(image);
  }

  /** How many work, or have pods that may. */
  running(): number {
    const all = this.#jobs.flatMap((cache) => cache.list());
    const active = all.filter((job) => {
      const phase = viewJob(job)?.phase;
      return phase === 'active' || phase === 'terminating';
    });
    return active.length + this.#made.size;
  }
}
