import PQueue from 'p-queue';
import { shortened } from '../core/conditions.ts';
import { errorMessage } from '../core/errors.ts';
import type { KubeClient } from './client.ts';
import { microTime } from './lease-state.ts';
import type { Event, KubeObject } from './object.ts';
import { events } from './resources.ts';
import type { Counter, Runtime } from './runtime.ts';

export interface RecordedEvent {
  regarding: KubeObject;
  type: 'Normal' | 'Warning';
  /** CamelCase; the condition's reason where there is one. */
  reason: string;
  /** What happened, for a person. */
  note: string;
  /** CamelCase: what was done or tried. */
  action: string;
}

export const eventLimits = {
  /** The same object, reason and note is not told again within this time. */
  repeatMs: 10 * 60_000,
  /** Remembered for that; the oldest are forgotten first. */
  rememberedMax: 2_000,
  /** The budget: a burst, and one event refilled each so often. Events serve people; who floods them helps nobody. */
  burst: 100,
  refillMs: 1_000,
  /** Under way at once: the program's own writes need the client more. */
  concurrency: 2,
  /** Waiting or under way. */
  pendingMax: 200,
  noteCharsMax: 1_024,
  reasonCharsMax: 128,
} as const;

/**
 * Tells people what happened to an object (events.k8s.io/v1). Never throws and is never waited for: what cannot be sent
 * is counted (`kmm_events_total{result="failed"}`) and logged, what is over the budget is dropped and counted.
 */
export class EventRecorder {
  #options: { client: KubeClient; runtime: Runtime; controller: string; instance: string };
  /** When each event was last told, oldest first. */
  #told = new Map<string, number>();
  #budget: number = eventLimits.burst;
  #refilledAtMs: number;
  #sending = new PQueue({ concurrency: eventLimits.concurrency });
  #results: Counter;

  /** `controller` and `instance` say who reports: the program's name and the process's (a pod's) name. */
  constructor(options: { client: KubeClient; runtime: Runtime; controller: string; instance: string }) {
    this.#options = options;
    this.#refilledAtMs = options.runtime.clock.passed();
    this.#results = options.runtime.meters.counter({
      name: 'kmm_events_total',
      help: 'Events by reason and what became of them: sent, dropped (over the budget), failed',
      labels: ['reason', 'result'],
    });
  }

  record(event: RecordedEvent): void {
    const { clock } = this.#options.runtime;
    const passedMs = clock.passed();
    const { uid, namespace, name } = event.regarding.metadata;
    const key = JSON.stringify([event.regarding.kind, namespace, name, uid, event.reason, event.note]);
    const toldAtMs = this.#told.get(key);
    if (toldAtMs !== undefined && passedMs - toldAtMs < eventLimits.repeatMs) return;
    if (!this.#takeFromBudget(passedMs)) {
      this.#results.add({ reason: event.reason, result: 'dropped' });
      return;
    }
    this.#remember(key, passedMs);
    const happenedMs = clock.now();
    void this.#sending.add(() => this.#send(event, happenedMs));
  }

  async #send(event: RecordedEvent, nowMs: number): Promise<void> {
    try {
      await this.#options.client.create(events, this.#eventObject(event, nowMs));
      this.#results.add({ reason: event.reason, result: 'sent' });
    } catch (error) {
      this.#results.add({ reason: event.reason, result: 'failed' });
      this.#options.runtime.log.debug({ reason: event.reason, error: errorMessage(error) }, 'event not sent');
    }
  }

  #eventObject(event: RecordedEvent, nowMs: number): Event {
    const { apiVersion, kind, metadata } = event.regarding;
    const { name, namespace, uid } = metadata;
    const unique = `${nowMs.toString(16)}${Math.floor(this.#options.runtime.random() * 2 ** 24).toString(16)}`;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      // Events of objects without a namespace live in `default`.
      metadata: { name: `${name.slice(0, 200)}.${unique}`, namespace: namespace ?? 'default' },
      eventTime: microTime(nowMs),
      reportingController: this.#options.controller,
      reportingInstance: this.#options.instance.slice(0, 128),
      action: event.action.slice(0, 128),
      reason: event.reason.slice(0, eventLimits.reasonCharsMax),
      note: shortened(event.note, eventLimits.noteCharsMax),
      type: event.type,
      regarding: {
        apiVersion,
        kind,
        name,
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
      },
    };
  }

  #takeFromBudget(passedMs: number): boolean {
    const refills = Math.floor((passedMs - this.#refilledAtMs) / eventLimits.refillMs);
    this.#refilledAtMs += refills * eventLimits.refillMs;
    this.#budget = Math.min(eventLimits.burst, this.#budget + refills);
    if (this.#budget <= 0 || this.#sending.size + this.#sending.pending >= eventLimits.pendingMax) return false;
    this.#budget -= 1;
    return true;
  }

  #remember(key: string, passedMs: number): void {
    this.#told.delete(key);
    this.#told.set(key, passedMs);
    const oldest = this.#told.keys().next();
    if (this.#told.size > eventLimits.rememberedMax && !oldest.done) this.#told.delete(oldest.value);
  }
}
