import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../../shared/core/clock.ts';
import { concerns, type FaultRule, type Subject } from './fault.ts';
import { Injection } from './injection.ts';
import { WatchGate } from './watch-gate.ts';

export type { Fault, FaultRule } from './fault.ts';
export type { Injection } from './injection.ts';

/** The faults of one API server: rules come and go while it serves. */
export class Faults {
  readonly #clock: Clock;
  readonly #injections = new Set<Injection>();
  readonly #watches = new Set<WatchGate>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on until the injection is removed. Watches that are open meet the fault at once. */
  add(rule: FaultRule): Injection {
    const injection = new Injection(rule, this.#clock, (over) => {
      this.#injections.delete(over);
      for (const gate of this.#watches) gate.part(rule.fault, over);
    });
    this.#injections.add(injection);
    for (const gate of this.#watches) if (concerns(rule, gate.subject)) gate.meet(rule.fault, injection);
    return injection;
  }

  /** The fault that this request meets, if any. */
  next(subject: Subject): Injection | undefined {
    for (const injection of this.#injections) if (injection.takes(subject)) return injection;
    return undefined;
  }

  /** The gate of a watch that begins, until its connection closes. */
  open(subject: Subject, response: ServerResponse): WatchGate {
    const gate = new WatchGate(subject, response);
    this.#watches.add(gate);
    response.once('close', () => this.#watches.delete(gate));
    for (const injection of this.#injections) {
      const { rule } = injection;
      if (rule.fault.type === 'hold-events' && concerns(rule, subject)) gate.meet(rule.fault, injection);
    }
    return gate;
  }
}
