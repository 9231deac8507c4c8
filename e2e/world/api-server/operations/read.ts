import { ApiFailure, badRequest, expired, notFound } from '../failures.ts';
import { encodeList } from '../http/encode.ts';
import { wholeNumber } from '../http/request.ts';
import type { Stored } from '../store/stored.ts';
import { encodeTable } from '../tables/table.ts';
import { type Answer, type Call, collectionOf, type ServerState } from './context.ts';
import { selected } from './select.ts';

export function get(state: ServerState, call: Call): Answer {
  const name = call.name ?? '';
  const stored = collectionOf(state, call).get(call.namespace, name);
  if (!stored) throw notFound(call.kind, name);
  if (call.table === undefined) return { code: 200, stored };
  const page = { items: [stored], metadata: { resourceVersion: String(stored.revision) }, withColumns: true };
  return { code: 200, text: encodeTable(call.kind, page, { ...call.table, nowMs: state.clock.now() }) };
}

interface Snapshot {
  readonly items: readonly Stored[];
  readonly revision: number;
}

const tooOldToken =
  'The provided continue parameter is too old to display a consistent list result. ' +
  'You can start a new list without the continue parameter.';

/** Lists that are read page by page: the later pages show the state of the first. The oldest are forgotten (410). */
export class Lists {
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #snapshotsMax: number;
  #made = 0;

  constructor(snapshotsMax: number) {
    this.#snapshotsMax = snapshotsMax;
  }

  list(state: ServerState, call: Call): Answer {
    const limit = wholeNumber(call.query, 'limit') ?? 0;
    const nowMs = state.clock.now();
    const token = call.query.get('continue') ?? '';
    if (token !== '') return this.#page(call, { ...this.#resume(token), limit, nowMs });
    requireKnownRevision(state, call);
    const snapshot = { items: selected(state, call), revision: state.store.revision };
    return this.#page(call, { snapshot, id: '', offset: 0, limit, nowMs });
  }

  forgetAll(): void {
    this.#snapshots.clear();
  }

  #page(call: Call, at: { snapshot: Snapshot; id: string; offset: number; limit: number; nowMs: number }): Answer {
    const { snapshot, offset, limit } = at;
    const { items: all, revision } = snapshot;
    const end = limit === 0 ? all.length : offset + limit;
    const items = all.slice(offset, end);
    const encode = (next: { continueToken?: string; remaining?: number }) => {
      const page = { items, revision, ...next };
      return { code: 200, text: encodeList(call.kind, page, call.table && { ...call.table, nowMs: at.nowMs }) };
    };
    if (end >= all.length) {
      this.#snapshots.delete(at.id);
      return encode({});
    }
    const id = at.id === '' ? this.#keep(snapshot) : at.id;
    const continueToken = Buffer.from(JSON.stringify({ id, offset: end })).toString('base64url');
    return encode({ continueToken, remaining: all.length - end });
  }

  #keep(snapshot: Snapshot): string {
    const [oldest] = this.#snapshots.keys();
    if (oldest !== undefined && this.#snapshots.size >= this.#snapshotsMax) this.#snapshots.delete(oldest);
    this.#made += 1;
    const id = String(this.#made);
    this.#snapshots.set(id, snapshot);
    return id;
  }

  #resume(token: string): { snapshot: Snapshot; id: string; offset: number } {
    const { id, offset } = parseToken(token);
    const snapshot = this.#snapshots.get(id);
    if (!snapshot) throw expired(tooOldToken);
    return { snapshot, id, offset };
  }
}

function parseToken(token: string): { id: string; offset: number } {
  const match = /^\{"id":"(\d+)","offset":(\d+)\}$/.exec(Buffer.from(token, 'base64url').toString());
  if (!match) throw badRequest('continue key is not valid');
  return { id: match[1]!, offset: Number(match[2]) };
}

/** A revision that this server has not reached (it was set up anew): the client's next list must not look older. */
export function requireKnownRevision(state: ServerState, call: Call): void {
  const asked = wholeNumber(call.query, 'resourceVersion') ?? 0;
  if (asked <= state.store.revision) return;
  const message = `Too large resource version: ${asked}, current: ${state.store.revision}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  throw new ApiFailure(504, 'Timeout', `Timeout: ${message}`, { causes, retryAfterSeconds: 1 });
}
