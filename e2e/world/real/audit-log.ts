import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Asked } from '../fleet/plane.ts';

/** The members of an `audit.k8s.io/v1` Event that we look at. */
export interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username?: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** `log`: a path, or an open file that is closed at the end. */
export async function* auditEvents(log: string | number): AsyncIterable<AuditEvent> {
  for await (const line of createInterface({
    input: createReadStream(typeof log === 'string' ? log : '', {
      encoding: 'utf8',
      ...(typeof log === 'number' && { fd: log }),
    }),
  })) {
    // The last line may be half written.
    if (line.endsWith('}')) yield JSON.parse(line) as AuditEvent;
  }
}

/** `modules/status`; empty for what is no resource. */
export function resourceOf({ objectRef }: AuditEvent): string {
  return [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/');
}

/** What `user` asked; a watch is logged when it ends, and each of the others once. */
export async function askedBy(path: string, user: string): Promise<Asked[]> {
  const asked: Asked[] = [];
  for await (const event of auditEvents(path)) {
    if (event.user.username === user) asked.push({ verb: event.verb, resource: resourceOf(event) });
  }
  return asked;
}
