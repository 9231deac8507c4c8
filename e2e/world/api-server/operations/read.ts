import { ApiFailure, badRequest, expired, notFound } from '../failures.ts';
import { encodeList } from '../http/encode.ts';
import { wholeNumber } from '../http/request.ts';
import { encodeTable } from '../tables/table.ts';
import { requireListOptions } from '../validation/options.ts';
import { type Answer, type Call, collectionOf, type ServerState } from './context.ts';
import { isSelecting, selected } from './select.ts';

export function get(state: ServerState, call: Call): Answer {
  const name = call.name ?? '';
  requireKnownRevision(state, call);
  const stored = collectionOf(state, call).get(call.namespace, name);
  if (!stored) throw notFound(call.kind, name);
  if (call.table === undefined) return { code: 200, stored };
  const page = { items: [stored], metadata: { resourceVersion: String(stored.revision) }, withColumns: true };
  return { code: 200, text: encodeTable(call.kind, page, { ...call.table, nowMs: state.clock.now() }) };
}

/** A list that is read page by page shows one revision: its token holds that, and the last key that was shown. */
interface Token {
  revision: number;
  after: string;
}

/** In a token: go on with what is there now. */
const anyRevision = -1;

const tooOldToken =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';
const tooOldList = 'The resourceVersion for the provided list is too old.';

export function list(state: ServerState, call: Call): Answer {
  requireListOptions(call.query);
  const limit = wholeNumber(call.query, 'limit') ?? 0;
  const token = tokenOf(call);
  if (token === undefined) requireKnownRevision(state, call);
  const exactly = token?.revision ?? exactRevision(call, limit);
  const revision = exactly === undefined || exactly === anyRevision ? state.store.revision : exactly;
  if (revision < state.store.compactedRevision) {
    throw token === undefined ? expired(tooOldList) : expired(tooOldToken, textOf({ ...token, revision: anyRevision }));
  }
  const all = selected(state, call, revision);
  const rest = token === undefined ? all : all.filter(({ key }) => key > token.after);
  const items = limit === 0 ? rest : rest.slice(0, limit);
  const left = rest.length - items.length;
  const page = {
    items,
    revision,
    ...(left > 0 && {
      continueToken: textOf({ revision, after: items.at(-1)!.key }),
      // The real server would have to look at all of them, too.
      ...(!isSelecting(call) && { remaining: left }),
    }),
  };
  const table = call.table && { ...call.table, nowMs: state.clock.now() };
  return { code: 200, text: encodeList(call.kind, page, { metadata: call.metadata, table }) };
}

/** The revision that the query insists on; undefined for "now". A page of a revision is exact without a word. */
function exactRevision({ query }: Call, limit: number): number | undefined {
  const asked = wholeNumber(query, 'resourceVersion') ?? 0;
  const match = query.get('resourceVersionMatch') ?? '';
  const isExact = match === 'Exact' || (match === '' && limit > 0 && asked > 0);
  return isExact ? asked : undefined;
}

function textOf({ revision, after }: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: after })).toString('base64url');
}

function tokenOf({ query }: Call): Token | undefined {
  const text = query.get('continue') ?? '';
  if (text === '') return undefined;
  if (wholeNumber(query, 'resourceVersion')) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const match = /^\{"v":"meta\.k8s\.io\/v1","rv":(-1|\d+),"start":"([^"]*)"\}$/.exec(
    Buffer.from(text, 'base64url').toString(),
  );
  if (!match) throw badRequest('invalid continue token: continue key is not valid');
  return { revision: Number(match[1]), after: match[2]! };
}

/** A revision that this server has not reached (it was set up anew): the client's next list must not look older. */
export function requireKnownRevision(state: ServerState, call: Call): void {
  const asked = wholeNumber(call.query, 'resourceVersion') ?? 0;
  if (asked <= state.store.revision) return;
  const message = `Too large resource version: ${asked}, current: ${state.store.revision}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  throw new ApiFailure(504, 'Timeout', `Timeout: ${message}`, { causes, retryAfterSeconds: 1 });
}
