import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../../shared/core/clock.ts';
import { ApiFailure, statusBody } from '../failures.ts';
import type { WatchGate } from '../faults/watch-gate.ts';
import { type EventLines, type EventType, encodeObject, eventLine } from '../http/encode.ts';
import { encodeMetadata, metadataJson } from '../http/metadata-only.ts';
import { isTrue, type ResourceRequest, wholeNumber } from '../http/request.ts';
import { groupVersion } from '../kinds/served-kind.ts';
import type { Predicate } from '../selectors/label-selector.ts';
import type { Write } from '../store/collection.ts';
import { Stored } from '../store/stored.ts';
import { encodeTable } from '../tables/table.ts';
import { collectionOf, type ServerState } from './context.ts';
import { predicateOf, selected } from './select.ts';

const timeoutSecondsDefault = 1800;
const bookmarkMs = 60_000;
/** The last bookmark comes so long before the timeout; a shorter watch gets none. */
const lastBookmarkMs = 2_000;
/** A client that does not read is cut off: the real server does the same when a watcher's buffer is full. */
const unreadBytesMax = 64 * 1024 * 1024;

/**
 * Streams the writes after the query's resourceVersion (everything that is there first when it names none, or 0) until
 * the timeout, the client or the server ends it. Throws 410 before the stream starts, as an ERROR event after.
 */
export function watch(
  state: ServerState,
  call: ResourceRequest,
  to: { response: ServerResponse; lines: EventLines; gate: WatchGate },
): void {
  const { response, lines, gate } = to;
  const predicate = predicateOf(call);
  const asked = wholeNumber(call.query, 'resourceVersion') ?? 0;
  const timeoutSeconds = wholeNumber(call.query, 'timeoutSeconds') || timeoutSecondsDefault;
  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  const collection = collectionOf(state, call);
  const ownLine = ownLines(state, call);
  const say = (line: string | Buffer) =>
    gate.pass(() => {
      // What comes a moment after the answer ended is not said: listeners and timers end with the connection.
      if (response.writableEnded) return;
      response.write(line);
      if (response.writableLength > unreadBytesMax) response.destroy();
    });
  const send = (write: Write) => {
    const sent = seenBy(predicate, write);
    if (sent !== undefined) say(ownLine?.(sent.type, sent.stored) ?? lines.line(call.kind, write, sent));
  };
  try {
    sendStart(state, call, { asked, say, send, ownLine });
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    const line = eventLine('ERROR', JSON.stringify(statusBody(error)));
    gate.pass(() => response.end(line));
    return;
  }
  const stop = collection.listen(call.namespace, (write) => {
    if (write.revision > asked) send(write);
  });
  const bookmark = () => say(bookmarkLine(call, Math.max(asked, state.store.revision)));
  const stopTimers = startTimers(state.clock, {
    timeoutSeconds,
    bookmark: isTrue(call.query.get('allowWatchBookmarks')) ? bookmark : undefined,
    end: () => gate.pass(() => response.end()),
  });
  response.once('close', () => {
    stop();
    stopTimers();
  });
}

function sendStart(
  state: ServerState,
  call: ResourceRequest,
  at: { asked: number; say: (line: string) => void; send: (write: Write) => void; ownLine: OwnLine | undefined },
): void {
  const collection = collectionOf(state, call);
  if (at.asked > 0) {
    const writes = collection.writesSince(at.asked);
    for (const write of writes) if (inNamespace(call, write)) at.send(write);
    return;
  }
  for (const stored of selected(state, call)) {
    at.say(at.ownLine?.('ADDED', stored) ?? eventLine('ADDED', encodeObject(call.kind, stored)));
  }
}

type OwnLine = (type: EventType, stored: Stored) => string;

/** Events that carry metadata only, or a table of one row each, of which the first says what the columns are. */
function ownLines({ clock }: ServerState, { kind, table, metadata }: ResourceRequest): OwnLine | undefined {
  if (metadata) return (type, stored) => eventLine(type, encodeMetadata(stored));
  if (table === undefined) return undefined;
  let withColumns = true;
  return (type, stored) => {
    const page = { items: [stored], metadata: { resourceVersion: String(stored.revision) }, withColumns };
    withColumns = false;
    return eventLine(type, encodeTable(kind, page, { ...table, nowMs: clock.now() }));
  };
}

function inNamespace(call: ResourceRequest, write: Write): boolean {
  return call.namespace === undefined || write.current.object.metadata.namespace === call.namespace;
}

/** How one write looks through a selector: an object that stops matching is deleted for this watcher. */
function seenBy(predicate: Predicate | undefined, write: Write): { type: EventType; stored: Stored } | undefined {
  const { current, previous, removed } = write;
  const matched = previous !== undefined && (predicate === undefined || predicate(previous.object));
  if (removed) return matched ? { type: 'DELETED', stored: current } : undefined;
  const matches = predicate === undefined || predicate(current.object);
  if (matches) return { type: matched ? 'MODIFIED' : 'ADDED', stored: current };
  return matched ? { type: 'DELETED', stored: withRevision(previous, write.revision) } : undefined;
}

/** The last state that the watcher knew, under the revision at which it stopped matching. */
function withRevision(stored: Stored, revision: number): Stored {
  const metadata = { ...stored.object.metadata, resourceVersion: String(revision) };
  return new Stored({ ...stored.object, metadata }, revision);
}

function bookmarkLine({ kind, metadata: metadataOnly }: ResourceRequest, revision: number): string {
  const metadata = { resourceVersion: String(revision), creationTimestamp: null };
  if (metadataOnly) return eventLine('BOOKMARK', metadataJson(metadata));
  return eventLine('BOOKMARK', JSON.stringify({ kind: kind.kind, apiVersion: groupVersion(kind), metadata }));
}

function startTimers(
  clock: Clock,
  what: { timeoutSeconds: number; bookmark: (() => void) | undefined; end: () => void },
): () => void {
  const { bookmark, end } = what;
  const endsMs = clock.now() + what.timeoutSeconds * 1000;
  const cancelEnd = clock.after(what.timeoutSeconds * 1000, end);
  if (bookmark === undefined) return cancelEnd;
  const nextMs = () => {
    const lastMs = endsMs - lastBookmarkMs - clock.now();
    return lastMs > 0 && lastMs < bookmarkMs ? lastMs : bookmarkMs;
  };
  const repeat = () => {
    bookmark();
    cancelBookmark = clock.after(nextMs(), repeat);
  };
  let cancelBookmark = clock.after(nextMs(), repeat);
  return () => {
    cancelEnd();
    cancelBookmark();
  };
}
