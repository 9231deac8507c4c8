import type { KubeClient } from '../kube/client.ts';
import { type CondemnedNote, dropNote, noteCondemned } from './condemned.ts';
import { imageHash, type JobShelf } from './job-shelf.ts';
import type { Ordered } from './orders.ts';
import type { MakingPicture } from './picture.ts';

/** Images that are to be made anew whatever the registry has: noted in the cluster, and known at once to whom noted it. */
export class CondemnedImages {
  readonly #place: { client: KubeClient; namespace: string };
  readonly #shelf: JobShelf;
  /** The cache is slower than we are. */
  readonly #noted = new Set<string>();
  /** Image → UID of the note that is gone: believed, it would have the registry asked again and again. */
  readonly #dropped = new Map<string, string>();

  constructor(place: { client: KubeClient; namespace: string }, shelf: JobShelf) {
    this.#place = place;
    this.#shelf = shelf;
  }

  has(image: string, existence: MakingPicture['existence']): boolean {
    const note = this.#note(image);
    const present = existence.state === 'Verified' ? existence.digest : undefined;
    return this.#noted.has(image) || (note !== undefined && (note.digest ?? present) === present);
  }

  async add({ image, existence }: MakingPicture, [want]: readonly Ordered[]): Promise<void> {
    const digest = existence.state === 'Verified' ? existence.digest : undefined;
    if (want !== undefined) {
      await noteCondemned(this.#place, { imageHash: imageHash(image), image, digest, maker: want.module });
    }
    this.#noted.add(image);
  }

  async remove(image: string): Promise<void> {
    const note = this.#note(image);
    if (note !== undefined) {
      await dropNote(this.#place, note);
      this.#dropped.set(image, note.uid);
    }
    this.#noted.delete(image);
  }

  #note(image: string): CondemnedNote | undefined {
    const note = this.#shelf.condemned(image);
    if (note === undefined || note.uid !== this.#dropped.get(image)) this.#dropped.delete(image);
    return this.#dropped.has(image) ? undefined : note;
  }
}
