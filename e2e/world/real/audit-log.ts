import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { KubeObject, Resource } from '../../../shared/kube/object.ts';
import type { Asked } from '../fleet/plane.ts';

/** Every request by its metadata, once: a watch when it begins, all others when they are answered. */
export const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - { level: Metadata, verbs: [watch], omitStages: [RequestReceived, ResponseComplete] }
  - { level: Metadata, omitStages: [RequestReceived, ResponseStarted] }
`;

/** The members of an `audit.k8s.io/v1` Event that we look at. */
export interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username?: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly apiVersion?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly annotations?: Readonly<Record<string, string>>;
}

const writes = new Set(['create', 'update', 'patch']);

/** The log from a moment on: a control plane may have served others before. */
export class AuditLog {
  readonly #path: string;
  readonly #start: number;

  constructor(path: string) {
    this.#path = path;
    this.#start = statSync(path).size;
  }

  async *events(): AsyncIterable<AuditEvent> {
    const input = createReadStream(this.#path, { encoding: 'utf8', start: this.#start });
    for await (const line of createInterface({ input })) {
      // The last line may be half written.
      if (line.endsWith('}')) yield JSON.parse(line) as AuditEvent;
    }
  }

  /** Of what objects were made; what changes one may have made it, too. */
  async kindsWritten(): Promise<Resource<KubeObject>[]> {
    const kinds = new Map<string, Resource<KubeObject>>();
    for await (const { verb, objectRef } of this.events()) {
      if (!writes.has(verb) || objectRef?.resource === undefined || objectRef.subresource !== undefined) continue;
      const { apiGroup: group = '', apiVersion: version = '', resource: plural, namespace } = objectRef;
      kinds.set(`${plural}.${group}`, { group, version, kind: '', plural, namespaced: namespace !== undefined });
    }
    return [...kinds.values()];
  }

  async askedBy(user: string): Promise<Asked[]> {
    const asked: Asked[] = [];
    for await (const event of this.events()) {
      if (event.user.username === user) asked.push({ verb: event.verb, resource: resourceOf(event) });
    }
    return asked;
  }
}

/** `modules/status`; empty for what is no resource. */
export function resourceOf({ objectRef }: AuditEvent): string {
  return [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/');
}
