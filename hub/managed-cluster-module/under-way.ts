/**
 * Modules of which works are being written. A write may wait for its turn (429, the ceiling of writes) long after it was
 * decided, and nobody sees its work before it is done.
 */
export class UnderWay {
  #counts = new Map<string, number>();

  async during<T>(module: string, write: () => Promise<T>): Promise<T> {
    this.#add(module, 1);
    try {
      return await write();
    } finally {
      this.#add(module, -1);
    }
  }

  has(module: string): boolean {
    return this.#counts.has(module);
  }

  #add(module: string, more: number): void {
    const count = (this.#counts.get(module) ?? 0) + more;
    if (count === 0) this.#counts.delete(module);
    else this.#counts.set(module, count);
  }
}
