import type { CancelTimer, Clock } from '../core/clock.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Cache, Change } from './cache.ts';
import { ControllerMeters } from './controller-meters.ts';
import type { KubeObject } from './object.ts';
import { DelayQueue } from './queue.ts';
import { type ReconcileEnd, type Requeue, requeueAfter } from './requeue.ts';
import type { Runtime } from './runtime.ts';

/** What wakes keys, and must be synced before anything is decided. */
export interface Source {
  whenSynced(signal: AbortSignal): Promise<void>;
  attach(enqueue: (key: string, options?: { ahead?: boolean }) => void): void;
}

/** A control loop: level-triggered, by key. What a key is, is the controller's business (mostly `namespace/name`). */
export interface Controller {
  /** In logs and metrics. */
  name: string;
  /** Keys worked on at once; default 4. */
  concurrency?: number;
  sources: readonly Source[];
  /** Ends as `done`, `after(…)` or by throwing (`requeue.ts` says what follows). Never called twice at once for one key. */
  reconcile(key: string, signal: AbortSignal): Promise<Outcome>;
}

export interface RunningController {
  /** Looks at `key` as soon as there is room: for what is not in a cache (an image that was verified, a timer). */
  enqueue(key: string): void;
  /** Resolves when the signal aborted and the last reconcile ended. */
  stopped: Promise<void>;
}

/**
 * Wakes the keys that `keysFor` (pure) names for each change of `cache`, its first list included. The program starts the
 * cache. `ahead`: these keys overtake all that wait, as what happens to one object should when all of a kind are written.
 */
export function watching<T extends KubeObject>(
  cache: Cache<T>,
  keysFor: (change: Change<T>) => Iterable<string>,
  options?: { ahead: boolean },
): Source {
  return {
    whenSynced: (signal) => cache.whenSynced(signal),
    attach: (enqueue) =>
      cache.subscribe((change) => {
        for (const key of keysFor(change)) enqueue(key, options);
      }),
  };
}

/** Runs `controller` once all its sources are synced, until `signal` aborts. */
export function startController(controller: Controller, runtime: Runtime, signal: AbortSignal): RunningController {
  return new Runner(controller, runtime, signal);
}

const concurrencyDefault = 4;

/** Looks that send nothing end without a turn of the event loop, thousands of them when a program starts. */
class Turn {
  #beganMs: number | undefined;

  /** Others have waited for 10 ms: the lease, watches, probes. */
  isOver(): boolean {
    const nowMs = performance.now();
    if (this.#beganMs === undefined) {
      this.#beganMs = nowMs;
      setImmediate(() => {
        this.#beganMs = undefined;
      });
    }
    return nowMs - this.#beganMs > 10;
  }
}

/** Of all controllers of the process: they share its event loop. */
const turn = new Turn();

class Runner implements RunningController {
  readonly stopped: Promise<void>;
  #controller: Controller;
  #runtime: Runtime;
  #signal: AbortSignal;
  #clock: Clock;
  #queue = new DelayQueue();
  /** Keys that did not end as done: their failures in a row, and what was last logged of them. */
  #unsettled = new Map<string, { failures: number; said: string }>();
  #open = false;
  #cancelTimer: CancelTimer = () => undefined;
  #idle = Promise.withResolvers<void>();
  #meters: ControllerMeters;

  constructor(controller: Controller, runtime: Runtime, signal: AbortSignal) {
    this.#controller = controller;
    this.#runtime = { ...runtime, log: runtime.log.child({ controller: controller.name }) };
    this.#signal = signal;
    this.#clock = runtime.clock;
    this.#meters = new ControllerMeters(runtime.meters, controller.name, () => this.#queue.due(this.#clock.passed()));
    for (const source of controller.sources) source.attach((key, given) => this.enqueue(key, given));
    this.stopped = this.#run();
  }

  enqueue(key: string, options?: { ahead?: boolean }): void {
    if (this.#signal.aborted) return;
    this.#queue.add(key, this.#clock.passed(), options);
    this.#pump();
  }

  async #run(): Promise<void> {
    this.#signal.addEventListener('abort', () => this.#close(), { once: true });
    try {
      await Promise.all(this.#controller.sources.map((source) => source.whenSynced(this.#signal)));
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    }
    if (this.#signal.aborted) return this.#close();
    this.#open = true;
    this.#pump();
    await this.#idle.promise;
  }

  #close(): void {
    this.#open = false;
    this.#cancelTimer();
    this.#meters.close();
    if (this.#queue.working === 0) this.#idle.resolve();
  }

  /** Starts what is due as far as there is room, and sets the timer for what is due next. */
  #pump(): void {
    if (!this.#open) return;
    this.#cancelTimer();
    const concurrency = this.#controller.concurrency ?? concurrencyDefault;
    while (this.#queue.working < concurrency) {
      if (turn.isOver()) {
        const goOn = setImmediate(() => this.#pump());
        this.#cancelTimer = () => clearImmediate(goOn);
        return;
      }
      const next = this.#queue.take(this.#clock.passed());
      if (next === undefined) break;
      this.#meters.taken(this.#clock.passed() - next.atMs);
      void this.#work(next.key);
    }
    // Whoever ends asks again.
    const nextAtMs = this.#queue.working < concurrency ? this.#queue.nextAtMs() : undefined;
    if (nextAtMs === undefined) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, nextAtMs - this.#clock.passed()), () => this.#pump());
  }

  async #work(key: string): Promise<void> {
    const startedMs = this.#clock.passed();
    const end = await this.#reconcile(key);
    this.#meters.worked(this.#clock.passed() - startedMs);
    if (!this.#signal.aborted) {
      const requeue = requeueAfter(end, this.#unsettled.get(key)?.failures ?? 0, this.#runtime.random);
      this.#settle(key, requeue);
      if (requeue.delayMs !== undefined) this.#queue.add(key, this.#clock.passed() + requeue.delayMs);
    }
    this.#queue.finish(key);
    if (this.#signal.aborted) this.#close();
    else this.#pump();
  }

  async #reconcile(key: string): Promise<ReconcileEnd> {
    try {
      return { outcome: await this.#controller.reconcile(key, this.#signal) };
    } catch (error) {
      return { error };
    }
  }

  #settle(key: string, requeue: Requeue): void {
    this.#meters.ended(requeue);
    if (requeue.log === undefined) {
      this.#unsettled.delete(key);
      return;
    }
    const { level, text, fields } = requeue.log;
    const said = JSON.stringify([text, fields]);
    if (this.#unsettled.get(key)?.said !== said) this.#runtime.log[level]({ key, ...fields }, text);
    this.#unsettled.set(key, { failures: requeue.failures, said });
  }
}
