import { type CancelTimer, type Clock, sleep } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import type { KubeClient } from './client.ts';
import { isConflict } from './errors.ts';
import { heldByOther, leaseHeldBy, type Observed, observe, released } from './lease-state.ts';
import type { Lease } from './object.ts';
import { leases } from './resources.ts';
import type { Gauge, Runtime } from './runtime.ts';

export interface LeaderElectionOptions {
  /** The election's own client: a busy queue must never cost the lease (design.md, decision 3). Its requests should time out within seconds. */
  client: KubeClient;
  namespace: string;
  name: string;
  /** Unique per process. */
  identity: string;
  runtime: Runtime;
  /** Others may take a lease that was not renewed for so long. Default 15 s. */
  leaseDurationMs?: number;
  /** A leader that could not renew for so long has lost it. Default 10 s; less than the duration. */
  renewDeadlineMs?: number;
  /** Between tries to take or renew it. Default 2 s. */
  retryMs?: number;
  /** Leadership was lost: nothing may be written any more. Called at most once, never after `stop`. */
  onLost: (why: string) => void;
}

export interface LeaderElection {
  /** Resolves when we lead; never when `stop` came first. */
  readonly whenLeading: Promise<void>;
  /** We lead, and nobody else may yet: false as soon as the deadline is over, whether or not its timer fired. */
  readonly holds: boolean;
  /** Someone else is seen to lead: this replica is a healthy standby. */
  readonly standby: boolean;
  /** Ends the election and, when we lead, gives the lease back. Call it after the last write. */
  stop(): Promise<void>;
}

export const leaderDefaults = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 } as const;

/** Takes part in the election of one leader by a Lease (coordination.k8s.io/v1), as client-go does. */
export function startLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new Election(options);
}

class Election implements LeaderElection {
  readonly whenLeading: Promise<void>;
  #options: Required<LeaderElectionOptions>;
  #clock: Clock;
  #leading = Promise.withResolvers<void>();
  #stop = new AbortController();
  #ended: Promise<void>;
  #observed: Observed | undefined;
  /** Our lease as last written; set while we lead. */
  #held: Lease | undefined;
  #lost = false;
  #deadline = { passedMs: 0, nowMs: 0 };
  #cancelDeadline: CancelTimer = () => undefined;
  #gauge: Gauge;

  constructor(options: LeaderElectionOptions) {
    this.#options = { ...leaderDefaults, ...options };
    this.#clock = options.runtime.clock;
    this.#gauge = options.runtime.meters.gauge({
      name: 'kmm_leader',
      help: 'Whether this process leads, by lease',
      labels: ['lease'],
    });
    this.whenLeading = this.#leading.promise;
    this.#ended = this.#run();
  }

  get standby(): boolean {
    const { identity } = this.#options;
    return this.#observed !== undefined && heldByOther(this.#observed, identity, this.#clock.passed());
  }

  get holds(): boolean {
    return this.#held !== undefined && !this.#lost && this.#leftMs() > 0;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    this.#cancelDeadline();
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || this.#lost) return;
    const { client, runtime } = this.#options;
    try {
      await client.replace(leases, released(held, this.#clock.now()));
    } catch (error) {
      // It runs out by itself; the next leader waits a lease's duration longer.
      runtime.log.warn({ error: errorMessage(error) }, 'could not give the lease back');
    }
  }

  async #run(): Promise<void> {
    const { runtime, retryMs } = this.#options;
    while (!this.#stop.signal.aborted && !this.#lost) {
      await this.#try();
      // Standbys spread their tries; a leader's must be regular.
      const spreadMs = this.#held === undefined ? 0.2 * retryMs * runtime.random() : 0;
      await sleep(this.#clock, retryMs + spreadMs, this.#stop.signal);
    }
  }

  async #try(): Promise<void> {
    const { runtime, identity } = this.#options;
    try {
      if (this.#held === undefined) await this.#look();
      else await this.#write(this.#held);
    } catch (error) {
      runtime.log.warn({ error: errorMessage(error), identity }, 'could not take or renew the lease');
      // Another wrote our lease: only a look tells whether it is still ours.
      if (isConflict(error) && this.#held !== undefined) await this.#lookAgain();
    }
  }

  async #look(): Promise<void> {
    const { client, namespace, name, identity } = this.#options;
    const lease = await client.get(leases, { namespace, name });
    this.#observed = observe(this.#observed, lease, this.#clock.passed());
    if (heldByOther(this.#observed, identity, this.#clock.passed()) || this.#stop.signal.aborted) return;
    await this.#write(lease);
  }

  async #lookAgain(): Promise<void> {
    const { client, runtime, namespace, name, identity } = this.#options;
    try {
      const lease = await client.get(leases, { namespace, name });
      if (lease?.spec?.holderIdentity === identity) this.#held = lease;
      else this.#lose(`the lease is held by ${lease?.spec?.holderIdentity || 'nobody'}`);
    } catch (error) {
      runtime.log.warn({ error: errorMessage(error) }, 'could not read the lease');
    }
  }

  async #write(present: Lease | undefined): Promise<void> {
    const { client, runtime, namespace, name, identity, leaseDurationMs } = this.#options;
    const durationMs = leaseDurationMs;
    const passedMs = this.#clock.passed();
    const nowMs = this.#clock.now();
    const wanted = leaseHeldBy(identity, { present, namespace, name, durationMs, nowMs });
    const written = await (present === undefined ? client.create(leases, wanted) : client.replace(leases, wanted));
    if (this.#lost) return;
    const first = this.#held === undefined;
    this.#held = written;
    this.#armDeadline({ passedMs, nowMs });
    if (!first || this.#stop.signal.aborted) return;
    this.#gauge.set(1, { lease: name });
    runtime.log.info({ lease: `${namespace}/${name}`, identity }, 'leading');
    this.#leading.resolve();
  }

  /** Counted from when the renewal was sent: what hangs in a connection must not stretch it. */
  #armDeadline(sentAt: { passedMs: number; nowMs: number }): void {
    const { renewDeadlineMs } = this.#options;
    this.#cancelDeadline();
    this.#deadline = { passedMs: sentAt.passedMs + renewDeadlineMs, nowMs: sentAt.nowMs + renewDeadlineMs };
    const late = () => this.#lose('the lease could not be renewed in time');
    this.#cancelDeadline = this.#clock.after(Math.max(0, this.#leftMs()), late);
  }

  /** Our own lease is over as soon as either time says so: one stands still while the machine sleeps, the other may be set back. */
  #leftMs(): number {
    const { passedMs, nowMs } = this.#deadline;
    return Math.min(passedMs - this.#clock.passed(), nowMs - this.#clock.now());
  }

  #lose(why: string): void {
    if (this.#lost || this.#stop.signal.aborted) return;
    this.#lost = true;
    this.#cancelDeadline();
    this.#gauge.set(0, { lease: this.#options.name });
    this.#options.onLost(why);
  }
}
