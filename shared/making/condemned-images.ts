import type { KubeClient } from '../kube/client.ts';
import { type CondemnedNote, dropNote, noteCondemned, shareNote } from './condemned.ts';
import type { Foreign } from './foreign-job.ts';
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

  /** Image → the note and its owners, as they were last compared. */
  readonly #shared = new Map<string, string>();

  constructor(place: { client: KubeClient; namespace: string }, shelf: JobShelf) {
    this.#place = place;
    this.#shelf = shelf;
  }

  has(image: string, existence: MakingPicture['existence']): boolean {
    const note = this.#note(image);
    const present = existence.state === 'Verified' ? existence.digest : undefined;
    return this.#noted.has(image) || (note !== undefined && (note.digest ?? present) === present);
  }

  /** Foreign: the note cannot be made, and nothing is condemned. */
  async add({ image, existence }: MakingPicture, wants: readonly Ordered[]): Promise<Foreign | undefined> {
    const digest = existence.state === 'Verified' ? existence.digest : undefined;
    const [maker, ...others] = wants.map(({ module }) => module);
    if (maker !== undefined) {
      const note = { imageHash: imageHash(image), image, digest, makers: [maker, ...others] as const };
      const foreign = await noteCondemned(this.#place, note);
      if (foreign !== undefined) return foreign;
    }
    this.#noted.add(image);
    return undefined;
  }

  /** The note goes with the last module that wants the image, whoever wanted it first. */
  async share(image: string, wants: readonly Ordered[]): Promise<void> {
    const note = this.#note(image);
    if (note === undefined) return;
    const makers = wants.map(({ module }) => module);
    // What the cache shows, it may show again after it was written.
    const key = [note.resourceVersion, ...new Set(makers.map(({ owner }) => owner.uid))].join();
    if (this.#shared.get(image) === key) return;
    await shareNote(this.#place, note, makers);
    this.#shared.set(image, key);
  }

  async remove(image: string): Promise<void> {
    const note = this.#note(image);
    if (note !== undefined) {
      await dropNote(this.#place, note);
      this.#dropped.set(image, note.uid);
      this.#shared.delete(image);
    }
    this.#noted.delete(image);
  }

  #note(image: string): CondemnedNote | undefined {
    const note = this.#shelf.condemned(image);
    if (note === undefined || note.uid !== this.#dropped.get(image)) this.#dropped.delete(image);
    return this.#dropped.has(image) ? undefined : note;
  }
}
