import type { ServerResponse } from 'node:http';
import { type Clock, sleep } from '../../../../shared/core/clock.ts';
import { concerns, type FaultRule, type Subject } from './fault.ts';
import { refusal } from './refusal.ts';

/** A rule at work. */
export class Injection {
  readonly rule: FaultRule;
  readonly #clock: Clock;
  readonly #onRemoved: (injection: Injection) => void;
  readonly #unanswered = new Set<ServerResponse>();
  #matched = 0;
  #hits = 0;

  constructor(rule: FaultRule, clock: Clock, onRemoved: (injection: Injection) => void) {
    this.rule = rule;
    this.#clock = clock;
    this.#onRemoved = onRemoved;
  }

  /** Requests that met the fault so far; open watches are not counted. */
  get hits(): number {
    return this.#hits;
  }

  /** Whether this request meets the fault; it is counted then. */
  takes(subject: Subject): boolean {
    const { rule } = this;
    if (rule.fault.type === 'hold-events' || !concerns(rule, subject)) return false;
    if (rule.count !== undefined && this.#hits >= rule.count) return false;
    this.#matched += 1;
    if (this.#matched % (rule.every ?? 1) !== 0) return false;
    this.#hits += 1;
    return true;
  }

  /** Before the request is performed: false when it never is. Throws the refusal. */
  async before(response: ServerResponse): Promise<boolean> {
    const { fault } = this.rule;
    switch (fault.type) {
      case 'refuse':
        throw refusal(fault);
      case 'half-open':
        this.#unanswered.add(response);
        response.once('close', () => this.#unanswered.delete(response));
        return false;
      case 'drop':
        if (!fault.performed) response.destroy();
        return fault.performed ?? false;
      case 'delay':
        if (!fault.performed) await sleep(this.#clock, fault.delayMs);
        return true;
      case 'hold-events':
        return true;
    }
  }

  /** Between the performed request and its answer: false when there is none. */
  async after(response: ServerResponse): Promise<boolean> {
    const { fault } = this.rule;
    if (fault.type === 'delay' && fault.performed) await sleep(this.#clock, fault.delayMs);
    if (fault.type !== 'drop') return true;
    response.destroy();
    return false;
  }

  /** The fault is over. */
  remove(): void {
    const { fault } = this.rule;
    if (fault.type === 'half-open' && !fault.forgotten) for (const each of this.#unanswered) each.destroy();
    this.#onRemoved(this);
  }
}
