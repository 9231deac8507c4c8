import type { Requeue } from './requeue.ts';
import type { Counter, Histogram, Meters } from './runtime.ts';

/** What a controller's queue and work are measured by; the series are the same for all controllers, told apart by a label. */
export class ControllerMeters {
  readonly #controller: { controller: string };
  readonly #results: Counter;
  readonly #retries: Counter;
  readonly #latency: Histogram;
  readonly #seconds: Histogram;
  readonly #stopFollowing: () => void;

  constructor(meters: Meters, controller: string, depth: () => number) {
    this.#controller = { controller };
    this.#results = meters.counter({
      name: 'kmm_reconciles_total',
      help: 'Reconciles by controller, how they ended and why',
      labels: ['controller', 'result', 'reason'],
    });
    this.#retries = meters.counter({
      name: 'kmm_queue_retries_total',
      help: 'Keys put back because their reconcile failed or met a conflict',
      labels: ['controller'],
    });
    this.#latency = meters.histogram({
      name: 'kmm_queue_latency_seconds',
      help: 'How long keys waited after they were due',
      labels: ['controller'],
      buckets: [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
    });
    this.#seconds = meters.histogram({
      name: 'kmm_reconcile_seconds',
      help: 'Duration of reconciles by controller',
      labels: ['controller'],
      buckets: [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
    });
    const gauge = meters.gauge({
      name: 'kmm_queue_depth',
      help: 'Keys that are due and wait for their turn',
      labels: ['controller'],
    });
    this.#stopFollowing = gauge.follow(depth, this.#controller);
    this.#retries.add(this.#controller, 0);
  }

  taken(waitedMs: number): void {
    this.#latency.observe(waitedMs / 1000, this.#controller);
  }

  worked(tookMs: number): void {
    this.#seconds.observe(tookMs / 1000, this.#controller);
  }

  ended({ result, reason }: Pick<Requeue, 'result' | 'reason'>): void {
    this.#results.add({ ...this.#controller, result, reason: reasonLabel(reason) });
    if (result === 'failed' || result === 'conflict') this.#retries.add(this.#controller);
  }

  /** The queue is no more, and so is its depth. */
  close(): void {
    this.#stopFollowing();
  }
}

/** A reason is one of few words; what else a server or a webhook says is text, and text makes series without bound. */
function reasonLabel(reason: string): string {
  return /^[A-Za-z]{0,48}$/.test(reason) ? reason : 'Other';
}
