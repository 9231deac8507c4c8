import { sleep } from '../../shared/core/clock.ts';
import { errorMessage } from '../../shared/core/errors.ts';
import { canonicalJson } from '../../shared/core/hash.ts';
import type { ImageState } from '../../shared/images/look-up.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import type { WantedImage } from './wanted.ts';

/** The making of one namespace, as far as it is driven from here. */
export interface OpenMaking {
  want(token: string, wanted: WantedImage): void;
  forget(token: string): void;
  state(wanted: WantedImage): ImageState;
  hasJobs(wanted: WantedImage): boolean;
  /** Nothing of ours is at work there, or waits to be removed. */
  isIdle(): boolean;
  close(): Promise<void>;
}

export interface NamespaceImagesOptions {
  runtime: Pick<Runtime, 'clock' | 'log'>;
  /** Why nothing may be made there; undefined: it may. */
  refusal: () => Promise<string | undefined>;
  open: () => Promise<OpenMaking>;
  /** The states of these may be others now. */
  onChange: (tokens: readonly string[]) => void;
  signal: AbortSignal;
}

/** Somebody has just run the command that the refusal names. */
const askAgainMs = 30_000;
/** How often an open making is looked at: whether anybody needs it, and whether it still may what it is about to do. */
const lookMs = 2 * 60_000;

const checking: ImageState = { state: 'Checking' };

/**
 * What the Modules of one namespace want to be made: asking whether that may be → refused, or open → closed when nobody
 * wants anything there any more. Before it is open nothing of the namespace is watched, and no registry asked.
 */
export class NamespaceImages {
  readonly #options: NamespaceImagesOptions;
  readonly #wanted = new Map<string, WantedImage>();
  #refusal: string | undefined;
  /** Why it is not known whether images may be made, or why that cannot begin; what is refused is known. */
  #trouble: string | undefined;
  #open: OpenMaking | undefined;
  /** Resolves when it is closed for good: wanted no more, or the program ends. */
  readonly ended: Promise<void>;

  constructor(options: NamespaceImagesOptions) {
    this.#options = options;
    this.ended = this.#live();
  }

  /** Said again and again: only another wish is a change. */
  want(token: string, wanted: WantedImage): void {
    const before = this.#wanted.get(token);
    this.#wanted.set(token, wanted);
    if (before === undefined || canonicalJson(before) !== canonicalJson(wanted)) this.#open?.want(token, wanted);
  }

  forget(token: string): void {
    if (this.#wanted.delete(token)) this.#open?.forget(token);
  }

  state(wanted: WantedImage): ImageState {
    if (this.#refusal !== undefined) {
      return { state: 'Failed', reason: 'MayNotMakeImages', message: this.#refusal };
    }
    if (this.#open !== undefined) return this.#open.state(wanted);
    if (this.#trouble === undefined) return checking;
    return { state: 'Unknown', reason: 'PermissionUnknown', message: this.#trouble };
  }

  hasJobs(wanted: WantedImage): boolean {
    return this.#open?.hasJobs(wanted) ?? false;
  }

  async #live(): Promise<void> {
    const { signal, runtime } = this.#options;
    // Those who come in the same moment are all known then.
    await sleep(runtime.clock, 0, signal);
    while (!signal.aborted && this.#wanted.size > 0) {
      try {
        if (await this.#isRefused()) await sleep(runtime.clock, askAgainMs, signal);
        else await this.#make();
      } catch (error) {
        this.#note(errorMessage(error));
        await sleep(runtime.clock, askAgainMs, signal);
      }
    }
    await this.#close();
  }

  /** Said where people look, once while it is the same. */
  #note(error: string): void {
    const { runtime, signal, onChange } = this.#options;
    const trouble = `could not ask whether images may be made in this namespace, or begin to; it is tried again every ${askAgainMs / 1000} s: ${error}`;
    if (signal.aborted || trouble === this.#trouble) return;
    this.#trouble = trouble;
    runtime.log.warn({ error }, 'cannot begin to make images, trying again');
    onChange([...this.#wanted.keys()]);
  }

  async #isRefused(): Promise<boolean> {
    const before = this.#refusal;
    this.#refusal = await this.#options.refusal();
    if (this.#refusal !== before) this.#options.onChange([...this.#wanted.keys()]);
    return this.#refusal !== undefined;
  }

  /** Until nobody needs it, or it may no more. */
  async #make(): Promise<void> {
    const { open, runtime, signal } = this.#options;
    this.#open = await open();
    if (this.#trouble !== undefined) this.#options.onChange([...this.#wanted.keys()]);
    this.#trouble = undefined;
    for (const [token, wanted] of this.#wanted) this.#open.want(token, wanted);
    while (!signal.aborted) {
      await sleep(runtime.clock, lookMs, signal);
      if (this.#wanted.size === 0 && this.#open.isIdle()) break;
      const verified = this.#verified();
      // Of these Jobs may have been left, for which alone they were still wanted.
      this.#options.onChange(verified);
      // What is verified needs no right any more; what nobody wants has Jobs left, which do.
      const needsRight = verified.length < this.#wanted.size || this.#wanted.size === 0;
      if (needsRight && (await this.#hasLostTheRight())) break;
    }
    await this.#close();
  }

  #verified(): string[] {
    const wanted = [...this.#wanted].filter(([, each]) => this.#open?.state(each).state === 'Verified');
    return wanted.map(([token]) => token);
  }

  /** An API server that does not answer takes no right away. */
  async #hasLostTheRight(): Promise<boolean> {
    try {
      return await this.#isRefused();
    } catch (error) {
      this.#options.runtime.log.warn({ error: errorMessage(error) }, 'cannot ask whether images may still be made');
      return false;
    }
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.close();
  }
}
