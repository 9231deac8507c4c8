import { sleep } from '../core/clock.ts';
import type { LeaderElection } from '../kube/leader.ts';
import type { Runtime } from '../kube/runtime.ts';
import type { ProgramHost } from './host.ts';

/** What a program's `start` gives back. */
export interface Running {
  /** All caches are synced: readiness. */
  synced(): boolean;
  /** Resolves when everything ended after the signal aborted; rejects when the program cannot go on. */
  stopped: Promise<void>;
}

/** From SIGTERM to exit in 10 s: a share for the reconciles under way, then one for the lease. */
const endMsMax = { running: 7_000, lease: 2_000 } as const;

/**
 * One process from its start to its exit code:
 *
 *     starting ──lease held elsewhere──▶ standby ──lease──▶ running ──SIGTERM──▶ ending ──▶ 0
 *                                                           └──lease lost──▶ 1, at once
 */
export class Life {
  election: LeaderElection | undefined;
  running: Running | undefined;
  /** Resolves when the process is to end, whatever the reason. */
  readonly over: Promise<void>;
  #runtime: Runtime;
  #abort = new AbortController();
  #over = Promise.withResolvers<void>();
  #lost: string | undefined;
  #stopListening: () => void;

  constructor(runtime: Runtime, host: ProgramHost) {
    this.#runtime = runtime;
    this.over = this.#over.promise;
    this.#stopListening = host.onTermination((signal) => {
      if (this.signal.aborted) return;
      runtime.log.info({ signal }, 'asked to end');
      this.#end();
    });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why no work may be expected yet, or any more; empty: ready. A standby is ready: else a rolling update would never end. */
  notReady(): readonly string[] {
    if (this.signal.aborted) return ['ending'];
    if (this.running !== undefined) return this.running.synced() ? [] : ['caches are not synced yet'];
    if (this.election === undefined) return ['starting'];
    return this.election.standby ? [] : ['waiting for the lease'];
  }

  /** Whether our writes are still the only ones. */
  get mayWrite(): boolean {
    return this.#lost === undefined && (this.election?.holds ?? true);
  }

  /** Another may lead now: nothing may be written any more. */
  lose(why: string): void {
    this.#lost = why;
    this.#end();
  }

  /** Waits for the end and makes it orderly. Throws when the program failed or ended by itself. */
  async untilEnd(): Promise<number> {
    await Promise.race([this.over, this.running?.stopped]);
    if (this.#lost !== undefined) {
      this.#runtime.log.error({ why: this.#lost }, 'leadership lost, ending at once');
      return 1;
    }
    if (!this.signal.aborted) throw new Error('ended by itself; expected it to run until SIGTERM');
    const stopped = await this.#within(endMsMax.running, this.running?.stopped);
    // Given back last: until then our writes were under way.
    const released = await this.#within(endMsMax.lease, this.election?.stop());
    if (stopped && released) this.#runtime.log.info({}, 'ended');
    else this.#runtime.log.warn({ stopped, released }, 'ended without waiting longer');
    return 0;
  }

  close(): void {
    this.#stopListening();
    this.#abort.abort();
  }

  #end(): void {
    this.#abort.abort();
    this.#over.resolve();
  }

  async #within(ms: number, work: Promise<void> | undefined): Promise<boolean> {
    const late = sleep(this.#runtime.clock, ms).then(() => false);
    return Promise.race([late, Promise.resolve(work).then(() => true)]);
  }
}
