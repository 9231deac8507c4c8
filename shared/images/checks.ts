import { isDeepStrictEqual } from 'node:util';
import type { CancelTimer } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import { canonicalJson } from '../core/hash.ts';
import type { Runtime } from '../kube/runtime.ts';
import { type ImageRequest, type ImageState, type LookUp, type LookUpSources, lookUp } from './look-up.ts';

export type { ImageRequest, ImageState } from './look-up.ts';

export interface ImageChecksOptions extends LookUpSources {
  runtime: Pick<Runtime, 'clock' | 'random' | 'log'>;
  /** Called after a state (or warning) changed, with all who want that image. */
  onChange: (wantedBy: readonly string[]) => void;
}

/** Looked up again so long after it was not found or not known, doubling. */
const retryMsFirst = 30_000;
const retryMsMax = 600_000;

interface Check {
  readonly key: string;
  readonly request: ImageRequest;
  readonly wantedBy: Set<string>;
  state: ImageState;
  warning: string | undefined;
  /** Look-ups that did not verify, in a row. */
  failures: number;
  /** When the registry was last asked, by `Clock.passed()`; undefined before it has answered. */
  askedMs: number | undefined;
  cancelRetry: CancelTimer;
}

/**
 * What is known of the images that the fleet wants. An image is one check for all who want it, whatever their number:
 * keyed by image, Secret, TLS options and generation. It ends when it is verified (a tag that moves later is not seen
 * within one generation) and is forgotten when nobody wants it, so that who comes back to it asks anew (T31).
 * Cost: requests by distinct images, memory by distinct (image, wanter) pairs; nothing by clusters.
 */
export class ImageChecks {
  readonly #options: ImageChecksOptions;
  readonly #checks = new Map<string, Check>();
  readonly #wants = new Map<string, ReadonlySet<string>>();

  constructor(options: ImageChecksOptions) {
    this.#options = options;
  }

  /**
   * Replaces what `wantedBy` (a ManagedClusterModule, or one revision of it) wants. Unknown images are looked up at once;
   * `generation` is `imageRebuildTriggerGeneration`: another one is another check.
   */
  want(wantedBy: string, requests: readonly ImageRequest[], generation?: number): void {
    const wanted = new Map(requests.map((request) => [keyOf(request, generation), request]));
    for (const [key, request] of wanted) {
      const check = this.#checks.get(key) ?? this.#begin(key, request);
      check.wantedBy.add(wantedBy);
    }
    const before = this.#wants.get(wantedBy) ?? new Set();
    if (wanted.size === 0) this.#wants.delete(wantedBy);
    else this.#wants.set(wantedBy, new Set(wanted.keys()));
    for (const key of before) if (!wanted.has(key)) this.#release(key, wantedBy);
  }

  /** `Checking` until the first answer, and for what nobody wants. */
  state(request: ImageRequest, generation?: number): ImageState {
    return this.#checks.get(keyOf(request, generation))?.state ?? { state: 'Checking' };
  }

  /** When the registry was asked for what `state` says, by `Clock.passed()`; undefined before. */
  askedMs(request: ImageRequest, generation?: number): number | undefined {
    return this.#checks.get(keyOf(request, generation))?.askedMs;
  }

  /** Somebody made this image just now: the registry is asked at once, also where it had the image before. */
  again(image: string): void {
    for (const check of this.#checks.values()) {
      if (check.request.image !== image) continue;
      check.cancelRetry();
      check.failures = 0;
      void this.#run(check, true);
    }
  }

  /** What the wanter's status should warn of, sorted; empty when all is well. */
  warnings(wantedBy: string): readonly string[] {
    const keys = [...(this.#wants.get(wantedBy) ?? [])];
    return [...new Set(keys.flatMap((key) => this.#checks.get(key)?.warning ?? []))].sort();
  }

  forget(wantedBy: string): void {
    this.want(wantedBy, []);
  }

  /** Forgets everything; answers under way are dropped. */
  stop(): void {
    for (const wantedBy of [...this.#wants.keys()]) this.forget(wantedBy);
  }

  #begin(key: string, request: ImageRequest): Check {
    const cancelRetry = () => undefined;
    const wantedBy = new Set<string>();
    const check: Check = {
      key,
      request,
      wantedBy,
      state: { state: 'Checking' },
      warning: undefined,
      failures: 0,
      askedMs: undefined,
      cancelRetry,
    };
    this.#checks.set(key, check);
    void this.#run(check);
    return check;
  }

  #release(key: string, wantedBy: string): void {
    const check = this.#checks.get(key);
    check?.wantedBy.delete(wantedBy);
    if (check === undefined || check.wantedBy.size > 0) return;
    check.cancelRetry();
    this.#checks.delete(key);
  }

  async #run(check: Check, tellAnyway = false): Promise<void> {
    const askedMs = this.#options.runtime.clock.passed();
    const found = await this.#look(check.request);
    // Forgotten meanwhile, perhaps wanted again by another check: this answer is nobody's.
    if (this.#checks.get(check.key) !== check) return;
    const changed = !isDeepStrictEqual([check.state, check.warning], [found.state, found.warning]);
    check.askedMs = askedMs;
    check.state = found.state;
    check.warning = found.warning;
    this.#plan(check, found.retryAfterMs ?? 0);
    if (!changed && !tellAnyway) return;
    this.#options.runtime.log.info({ image: check.request.image, ...found.state }, 'image looked up');
    this.#options.onChange([...check.wantedBy]);
  }

  /** Verified is final; a name that no registry can have does not become one. */
  #plan(check: Check, retryAfterMs: number): void {
    const { state } = check;
    const isFinal = state.state === 'Verified' || (state.state === 'Unknown' && state.reason === 'InvalidImage');
    check.failures = isFinal ? 0 : check.failures + 1;
    if (isFinal) return;
    const { clock, random } = this.#options.runtime;
    const fullMs = retryMsFirst * 2 ** Math.min(check.failures - 1, 10) * (1 + random() / 5);
    const delayMs = Math.max(Math.min(fullMs, retryMsMax), retryAfterMs);
    check.cancelRetry = clock.after(delayMs, () => void this.#run(check));
  }

  async #look(request: ImageRequest): Promise<LookUp> {
    try {
      return await lookUp(this.#options, request);
    } catch (error) {
      // A programmer's error: shown where an admin looks, and not the end of all other checks.
      this.#options.runtime.log.error({ image: request.image, error: errorMessage(error) }, 'image look-up failed');
      return { state: { state: 'Unknown', reason: 'UnexpectedAnswer', message: errorMessage(error) } };
    }
  }
}

function keyOf(request: ImageRequest, generation: number | undefined): string {
  const { image, secret, tls, recipe } = request;
  const { insecure, insecureSkipTLSVerify } = tls;
  // Of what can be built, a refusal is asked about.
  const isBuilt = recipe?.build !== undefined;
  return canonicalJson([
    image,
    secret?.namespace,
    secret?.name,
    insecure,
    insecureSkipTLSVerify,
    generation ?? null,
    isBuilt,
  ]);
}
