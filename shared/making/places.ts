/** One making (of a namespace), as the others see it that share its places. */
export interface PlacesUser {
  /** Whether it knows all that is at work there. */
  isSynced(): boolean;
  /** How many Jobs work. */
  running(): number;
  /** Whether it is just making this image. */
  isBusy(image: string): boolean;
  /** There may be a place for what waits for one. */
  lookAtQueued(): void;
}

/**
 * The places for Jobs, shared by all makings of a program: so many at once over all namespaces (`builds.concurrency`), and
 * never two at one image, whose name is the same in every namespace (trap T8).
 */
export class Places {
  readonly #max: number;
  readonly #isComplete: () => boolean;
  readonly #users = new Set<PlacesUser>();

  /** `isComplete`: all have joined that there are. Before, what others make is not known. */
  constructor(max: number, isComplete: () => boolean = () => true) {
    this.#max = max;
    this.#isComplete = isComplete;
  }

  /** What it gives back leaves. */
  join(user: PlacesUser): () => void {
    this.#users.add(user);
    return () => {
      this.#users.delete(user);
      this.freed();
    };
  }

  isFree(): boolean {
    const users = [...this.#users];
    if (!this.#isComplete() || users.some((user) => !user.isSynced())) return false;
    return users.reduce((sum, user) => sum + user.running(), 0) < this.#max;
  }

  /** Another than `user` is making this image. */
  isTaken(image: string, user: PlacesUser): boolean {
    return [...this.#users].some((other) => other !== user && other.isBusy(image));
  }

  /** A Job has ended, or is known now. */
  freed(): void {
    for (const user of this.#users) user.lookAtQueued();
  }
}
