import type { KubeClient } from '../kube/client.ts';
import { dropNote, noteCondemned } from './condemned.ts';
import { imageHash, type JobShelf } from './job-shelf.ts';
import type { Ordered } from './orders.ts';
import type { MakingPicture } from './picture.ts';

/** Images that the registry has, and that are to be made anew: noted in the cluster, and known at once to whom noted it. */
export class CondemnedImages {
  readonly #place: { client: KubeClient; namespace: string };
  readonly #shelf: JobShelf;
  /** The cache is slower than we are. */
  readonly #noted = new Set<string>();

  constructor(place: { client: KubeClient; namespace: string }, shelf: JobShelf) {
    this.#place = place;
    this.#shelf = shelf;
  }

  has(image: string, existence: MakingPicture['existence']): boolean {
    const isNoted = existence.state === 'Verified' && this.#shelf.condemned(image)?.digest === existence.digest;
    return isNoted || this.#noted.has(image);
  }

  async add({ image, existence }: MakingPicture, [want]: readonly Ordered[]): Promise<void> {
    if (existence.state === 'Verified' && want !== undefined) {
      const { owner } = want.module;
      await noteCondemned(this.#place, { imageHash: imageHash(image), image, digest: existence.digest, owner });
    }
    this.#noted.add(image);
  }

  async remove(image: string): Promise<void> {
    const note = this.#shelf.condemned(image);
    if (note !== undefined) await dropNote(this.#place, note);
    this.#noted.delete(image);
  }
}
