import { errorMessage } from '../core/errors.ts';
import type { Runtime } from '../kube/runtime.ts';
import type { Want } from './image-wants.ts';
import type { Verdicts, Verify } from './verdicts.ts';

export interface LooksOptions {
  verify: Verify;
  verdicts: Verdicts;
  runtime: Pick<Runtime, 'clock' | 'log'>;
  /** Something is known now of this image. */
  onEnd: (image: string) => void;
}

/**
 * Looks into images beside all else: a registry that lets its answers drip holds a look for minutes, and what else there is
 * to do for this image and others goes on. One look an image at once; how many there are in all is up to `verify`.
 */
export class Looks {
  readonly #options: LooksOptions;
  readonly #underWay = new Set<string>();

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** `open`: one for each expectation that nothing is known of. One that is under way is waited for: its end wakes the image. */
  begin(image: string, digest: string, open: readonly Want[]): void {
    if (this.#underWay.has(image)) return;
    this.#underWay.add(image);
    void this.#look(image, digest, open);
  }

  async #look(image: string, digest: string, open: readonly Want[]): Promise<void> {
    const { verdicts, runtime, onEnd } = this.#options;
    const found = await this.#found(image, digest, open);
    verdicts.note(image, digest, { open, found, nowMs: runtime.clock.passed() });
    this.#underWay.delete(image);
    onEnd(image);
  }

  async #found(image: string, digest: string, open: readonly Want[]): ReturnType<Verify> {
    try {
      return await this.#options.verify(open, digest);
    } catch (error) {
      // A programmer's error: shown where an admin looks, and tried again later and later.
      const message = errorMessage(error);
      this.#options.runtime.log.error({ image, error: message }, 'look into an image failed');
      return open.map(() => ({ kind: 'unknown', reason: 'UnexpectedAnswer', message }));
    }
  }
}
