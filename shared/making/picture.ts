import type { ImageState } from '../images/look-up.ts';
import type { ImageRecipe } from '../images/recipe.ts';

/** An image is built, then signed, or one of both. */
export type Step = 'build' | 'sign';

/** What became of a Job, as its pod told. */
export interface JobResult {
  /** When that was read, by our clock: no other is compared with it. */
  atMs: number;
  /** Of what was pushed. */
  digest?: string;
  reason: string;
  /** The end of the log, or what the signer said. */
  message: string;
}

/** What the image in the registry was found to be, for one kernel. */
export interface Verdict {
  digest: string;
  isGood: boolean;
  reason: string;
  message: string;
}

/** A Job that makes, or made, an image. */
export interface MakingJob {
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
  /** Undefined until it was read. */
  result: JobResult | undefined;
  /** By kernel. */
  verdicts: ReadonlyMap<string, Verdict>;
}

/** The hashes of what each step is made from now; `sign` is unknown until the unsigned image is. */
export type Inputs =
  | { kind: 'ready'; build: string | undefined; sign: string | undefined }
  /** Something that the recipe names is not there, or may not be used so. */
  | { kind: 'problem'; reason: string; message: string };

/** One image name, all that may be looked at when its next step is decided. Immutable. */
export interface MakingPicture {
  image: string;
  /** Undefined: nobody wants it. */
  recipe: ImageRecipe | undefined;
  /** Of all who want an image of this name, sorted. */
  kernels: readonly string[];
  /** What the registry says, and when it was asked. */
  existence: ImageState;
  askedMs: number;
  inputs: Inputs;
  jobs: readonly MakingJob[];
  /** What is in the registry is known to be no good: it is made anew although it is there. */
  isCondemned: boolean;
  /** Fewer Jobs run than may. */
  mayStart: boolean;
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
  /** What did its pod say? */
  | { kind: 'read'; job: MakingJob }
  /** Is it in the registry now? */
  | { kind: 'ask' }
  | { kind: 'verify'; job: MakingJob; digest: string; kernels: readonly string[] };

export interface MakingDecision {
  action: MakingAction;
  /** By kernel; all of them unless verdicts differ. */
  stateOf(kernel: string): ImageState;
  /** When to look again, if nothing happens before. */
  wakeMs?: number;
}
