/** How long a member counts as unknown before it is tried again: somebody may have brought the definition up to date. */
const knownMs = 60 * 60_000;

/**
 * Members of a kind's status that the server does not keep, learned from its answers: an older definition, or the Go
 * project's, drops them. Without it they would differ for ever, and be written for ever. Of nested members nothing is known.
 */
export class UnknownMembers {
  readonly #passedMs: () => number;
  readonly #until = new Map<string, number>();

  constructor(passedMs: () => number) {
    this.#passedMs = passedMs;
  }

  /** `status` with the members that the server keeps. */
  without<T extends object>(status: T): T {
    const passedMs = this.#passedMs();
    const kept = Object.entries(status).filter(([name]) => (this.#until.get(name) ?? passedMs) <= passedMs);
    return Object.fromEntries(kept) as T;
  }

  /** Compares what was written with what is there after it. */
  learn(written: object, answer: object): void {
    for (const [name, value] of Object.entries(written)) {
      if (value === null) continue;
      if (Object.hasOwn(answer, name)) this.#until.delete(name);
      else this.#until.set(name, this.#passedMs() + knownMs);
    }
  }
}
