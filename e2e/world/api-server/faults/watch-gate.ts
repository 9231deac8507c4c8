import type { ServerResponse } from 'node:http';
import { statusBody } from '../failures.ts';
import { eventLine } from '../http/encode.ts';
import type { Fault, Subject } from './fault.ts';
import { refusal } from './refusal.ts';

/** What an open watch says passes through here, so that faults can hold it back or break it. */
export class WatchGate {
  readonly subject: Subject;
  readonly #response: ServerResponse;
  readonly #silencedBy = new Set<object>();
  #held: (() => void)[] = [];

  constructor(subject: Subject, response: ServerResponse) {
    this.subject = subject;
    this.#response = response;
  }

  /** Calls `say` at once, or when the watch may speak again; always in order. */
  pass(say: () => void): void {
    if (this.#silencedBy.size === 0) say();
    else this.#held.push(say);
  }

  /** The beginning of a fault. */
  meet(fault: Fault, by: object): void {
    switch (fault.type) {
      case 'half-open':
      case 'hold-events':
        this.#silencedBy.add(by);
        return;
      case 'refuse':
        if (fault.code === 410) this.#response.end(eventLine('ERROR', JSON.stringify(statusBody(refusal(fault)))));
        else this.#response.destroy();
        return;
      case 'drop':
        this.#response.destroy();
        return;
      case 'delay':
        return;
    }
  }

  /** The end of a fault. */
  part(fault: Fault, by: object): void {
    if (!this.#silencedBy.has(by)) return;
    if (fault.type === 'half-open') {
      if (!fault.forgotten) this.#response.destroy();
      return;
    }
    this.#silencedBy.delete(by);
    if (this.#silencedBy.size > 0) return;
    const held = this.#held;
    this.#held = [];
    for (const say of held) say();
  }
}
