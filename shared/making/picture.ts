import type { Step } from '../build/secret-limits.ts';
import type { ImageState } from '../images/look-up.ts';
import type { ImageRecipe } from '../images/recipe.ts';

export type { Step };

/** What became of a Job, as its pod told. */
export interface JobEnd {
  /** Of what was pushed. */
  digest?: string;
  reason: string;
  /** The end of the log, or what the signer said. */
  message: string;
}

/** As it stands on the Job: whoever read it noted the wall time of that. */
export interface NotedEnd extends JobEnd {
  notedMs: number;
}

/** When it was read by `Clock.passed()`, as all times of a picture: negative where that was before this process began. */
export interface JobResult extends JobEnd {
  atMs: number;
}

/** Of what never was, as a time of a picture. */
export const neverMs = Number.NEGATIVE_INFINITY;

/** What an image in the registry was found to be, for one who wants it. `unknown`: it could not be read. */
export interface Verdict {
  kind: 'good' | 'bad' | 'unknown';
  reason: string;
  message: string;
  /** Until when nobody looks again; of `unknown` only. */
  untilMs: number;
}

/** A Job that failed and is gone: its successor waits its time all the same. */
export interface FormerFailure {
  hash: string;
  attempt: number;
  atMs: number;
  message: string;
}

/** A Job that makes, or made, an image; on OpenShift it may be a Build, which is a Job of another kind. */
export interface MakingJob {
  kind: 'Job' | 'Build';
  name: string;
  uid: string;
  step: Step;
  /** Of all that it was made from (`inputsHash`). */
  hash: string;
  /** 1 for the first with these inputs. */
  attempt: number;
  phase: 'active' | 'succeeded' | 'failed' | 'terminating';
  /** From its creation to its end, by the cluster's clock; undefined before. */
  seconds: number | undefined;
  /** What its own status tells at its end. Undefined: nothing, its pod has to be asked. */
  said: JobEnd | undefined;
  /** Undefined until it was read. */
  result: JobResult | undefined;
  /** Why its pod has not started, while that is so and known. */
  podTrouble?: string | undefined;
  /** Of a Build that OpenShift has not begun with, or does not end: for how long yet, before it is given up. No other ends by us. */
  leftMs?: number | undefined;
}

/** The hashes of what each step is made from now; `sign` is unknown until the unsigned image is. */
export type Inputs =
  | {
      kind: 'ready';
      build: string | undefined;
      sign: string | undefined;
      /** What whoever wants it should be told of what it is made from; absent when that is nothing. */
      warnings?: readonly string[];
    }
  /** It is not known yet by what it is made; `message`: until when that is so. */
  | { kind: 'waiting'; message: string }
  /** Something that the recipe names is not there, or may not be used so. */
  | { kind: 'problem'; reason: string; message: string };

/** One image name, all that may be looked at when its next step is decided. Immutable. Times are `Clock.passed()`. */
export interface MakingPicture {
  image: string;
  /** Undefined: nobody wants it. */
  recipe: ImageRecipe | undefined;
  /** What the image has to hold for those who want it (`expectationOf`), sorted. */
  expectations: readonly string[];
  /** Of the digest that the registry has, by expectation. */
  verdicts: ReadonlyMap<string, Verdict>;
  /** The image was verified before, and is to be there. */
  wasGood: boolean;
  failures: ReadonlyMap<Step, FormerFailure>;
  /** Somebody else has a name that was needed for it, and is not asked for before then; undefined: nobody was found. */
  foreign: { message: string; untilMs: number } | undefined;
  /** What the registry says, and when it was asked: `neverMs` before. */
  existence: ImageState;
  askedMs: number;
  inputs: Inputs;
  jobs: readonly MakingJob[];
  /** What is in the registry is known to be no good: it is made anew although it is there. */
  isCondemned: boolean;
  /** Fewer Jobs run than may, and none of another namespace for this image. */
  mayStart: boolean;
  /** When one of another namespace was seen at it; or `neverMs`. */
  heldMs: number;
  /** How long nobody has wanted it. */
  unwantedMs: number;
  /** `job.gcDelay`: finished Jobs stay for so long. */
  keepFinishedMs: number;
  nowMs: number;
}

export type MakingAction =
  | { kind: 'none' }
  | { kind: 'create'; step: Step; hash: string }
  /** `condemn`: the image in the registry is made anew after it. */
  | { kind: 'delete'; jobs: readonly MakingJob[]; condemn: boolean; why: string }
  /** It is over, whatever OpenShift may still do about it. */
  | { kind: 'giveUp'; job: MakingJob; message: string }
  /** What came of it? */
  | { kind: 'read'; job: MakingJob }
  /** Is it in the registry now? */
  | { kind: 'ask' }
  | { kind: 'verify'; digest: string; expectations: readonly string[] }
  /** What is remembered of it goes. */
  | { kind: 'forget' };

export interface MakingDecision {
  action: MakingAction;
  /** By expectation. */
  stateOf(expectation: string): ImageState;
  /** When to look again, if nothing happens before. */
  wakeMs?: number;
}
