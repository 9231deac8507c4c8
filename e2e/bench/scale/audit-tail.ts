import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { AuditEvent } from '../../world/real/audit-log.ts';

/** One answered request, by the API server's own clock. */
export interface Asked {
  readonly user: string;
  readonly verb: string;
  /** `manifestworks`, `managedclustermodules/status`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
  readonly receivedMs: number;
  readonly answeredMs: number;
}

interface TimedEvent extends AuditEvent {
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly responseStatus?: { readonly code?: number };
}

const chunkBytes = 1024 * 1024;
const lineFeed = 0x0a;

/**
 * The audit log, read on and on: who asked for what and when, without asking the server anything. Only what `isWanted` is
 * kept: the log of a large fleet holds every request that made it.
 */
export class AuditTail {
  readonly #path: string;
  readonly #isWanted: (user: string) => boolean;
  readonly #chunk = Buffer.alloc(chunkBytes);
  #position: number;
  #rest = Buffer.alloc(0);
  readonly #all: Asked[] = [];

  constructor(path: string, isWanted: (user: string) => boolean) {
    this.#path = path;
    this.#isWanted = isWanted;
    this.#position = statSync(path).size;
  }

  /** How many there are: what is asked from now on comes behind. */
  mark(): number {
    this.#readOn();
    return this.#all.length;
  }

  since(mark: number): readonly Asked[] {
    this.#readOn();
    return this.#all.slice(mark);
  }

  #readOn(): void {
    const file = openSync(this.#path, 'r');
    try {
      for (;;) {
        const bytes = readSync(file, this.#chunk, 0, chunkBytes, this.#position);
        if (bytes === 0) return;
        this.#position += bytes;
        this.#take(Buffer.concat([this.#rest, this.#chunk.subarray(0, bytes)]));
      }
    } finally {
      closeSync(file);
    }
  }

  #take(text: Buffer): void {
    const end = text.lastIndexOf(lineFeed) + 1;
    this.#rest = Buffer.from(text.subarray(end));
    for (const line of text.toString('utf8', 0, end).split('\n')) {
      if (line === '') continue;
      const event = JSON.parse(line) as TimedEvent;
      if (this.#isWanted(event.user.username ?? '')) this.#all.push(askedFrom(event));
    }
  }
}

function askedFrom({ user, verb, objectRef, responseStatus, ...event }: TimedEvent): Asked {
  const { resource = '', subresource, namespace = '', name = '' } = objectRef ?? {};
  return {
    user: user.username ?? '',
    verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
    name,
    code: responseStatus?.code ?? 0,
    receivedMs: Date.parse(event.requestReceivedTimestamp),
    answeredMs: Date.parse(event.stageTimestamp),
  };
}
