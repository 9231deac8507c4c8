import PQueue from 'p-queue';

/** Of the concurrency, for one host: one that lets each of 256 kernels' images wait its time must not delay the fleet's others. */
const hostShareMax = 0.75;

/** Work at hosts, so much at once, and of that a share for one host: one that answers nobody leaves some of the places to the others. */
export class HostQueue {
  readonly #all: PQueue;
  readonly #perHostMax: number;
  readonly #hosts = new Map<string, { queue: PQueue; works: number }>();

  constructor(concurrency: number) {
    this.#all = new PQueue({ concurrency });
    this.#perHostMax = Math.max(1, Math.floor(hostShareMax * concurrency));
  }

  async add<T>(host: string, work: () => Promise<T>): Promise<T> {
    const present = this.#hosts.get(host) ?? { queue: new PQueue({ concurrency: this.#perHostMax }), works: 0 };
    this.#hosts.set(host, present);
    present.works += 1;
    try {
      return await present.queue.add(() => this.#all.add(work));
    } finally {
      present.works -= 1;
      if (present.works === 0) this.#hosts.delete(host);
    }
  }
}
