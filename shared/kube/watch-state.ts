import { unreachable } from '../core/assert.ts';
import { backOffMs } from './back-off.ts';
import type { List, WatchEvent } from './client.ts';
import { type KubeObject, objectKey } from './object.ts';

/**
 * The life of list+watch as values (style rule 7). The driver (`watch.ts`) does what the phase says and reports what came.
 *
 *     list ──last page──▶ watch ──closed──▶ watch
 *      ▲ ▲ │failed          │ │failed, overdue, closed at once
 *      │ │ ▼                │ ▼
 *      │ back-off ◀─────────┼ back-off ──elapsed──▶ watch
 *      └────────── 410 ─────┘                          (any) ──aborted──▶ ended
 */
export type WatchState =
  | { phase: 'list'; continue: string | undefined; seen: readonly (readonly string[])[]; failures: number }
  | { phase: 'watch'; resourceVersion: string; failures: number }
  | { phase: 'back-off'; delayMs: number; then: ListState | WatchingState }
  | { phase: 'ended' };
type ListState = Extract<WatchState, { phase: 'list' }>;
type WatchingState = Extract<WatchState, { phase: 'watch' }>;

export type WatchInput<T> =
  | { type: 'page'; list: List<T> }
  | { type: 'event'; event: WatchEvent<T> }
  /** The server ended the watch, as it does after `timeoutSeconds`. */
  | { type: 'closed'; lastedMs: number }
  /** The watch did not end in the time that it was asked to, or fell silent: the connection is dead, whatever TCP thinks. */
  | { type: 'overdue' }
  | { type: 'failed'; status: number; retryAfterMs?: number | undefined }
  | { type: 'elapsed' }
  | { type: 'aborted' };

/** What the input means for the objects known. `retain` ends a list: all objects with other keys have vanished. */
export type WatchEffect<T> =
  | { type: 'upsert'; object: T }
  | { type: 'delete'; object: T }
  | { type: 'retain'; keys: ReadonlySet<string> };

export interface WatchStep<T> {
  state: WatchState;
  effects: readonly WatchEffect<T>[];
}

export const watchBackOff = {
  /** Of a server that fails: once it is back, what it has to tell is known within 5 s. */
  failed: { firstMs: 500, maxMs: 4_000 },
  /** Of a refusal that only a person ends (a right or a definition that is missing). */
  refused: { firstMs: 500, maxMs: 30_000 },
} as const;
const passing = new Set([408, 409, 410, 429]);

/** A watch that the server closes sooner than this counts as failed, else a broken server would be asked in a loop. */
export const watchLastsMsMin = 1000;

export const initialWatchState: WatchState = firstPage(0);

/** `state` after `input`; an input that the phase cannot have (a late event of an aborted watch) changes nothing. */
export function stepWatch<T extends KubeObject>(
  state: WatchState,
  input: WatchInput<T>,
  random: () => number,
): WatchStep<T> {
  if (input.type === 'aborted' || state.phase === 'ended') return only({ phase: 'ended' });
  switch (state.phase) {
    case 'list':
      return stepList(state, input, random);
    case 'watch':
      return stepWatching(state, input, random);
    case 'back-off':
      return only(input.type === 'elapsed' ? state.then : state);
    default:
      return unreachable(state);
  }
}

function stepList<T extends KubeObject>(state: ListState, input: WatchInput<T>, random: () => number): WatchStep<T> {
  if (input.type === 'page') return stepPage(state, input.list);
  if (input.type !== 'failed') return only(state);
  const failures = state.failures + 1;
  // A continue token lives for five minutes: then the list starts over.
  const then = input.status === 410 ? firstPage(failures) : { ...state, failures };
  return only(backOff(then, input, random));
}

function stepPage<T extends KubeObject>(state: ListState, list: List<T>): WatchStep<T> {
  const seen = [...state.seen, list.items.map(objectKey)];
  const upserts = list.items.map((object) => ({ type: 'upsert', object }) as const);
  if (list.metadata.continue) return { state: { ...state, continue: list.metadata.continue, seen }, effects: upserts };
  const watching: WatchState = {
    phase: 'watch',
    resourceVersion: list.metadata.resourceVersion,
    failures: state.failures,
  };
  return { state: watching, effects: [...upserts, { type: 'retain', keys: new Set(seen.flat()) }] };
}

function stepWatching<T extends KubeObject>(
  state: WatchingState,
  input: WatchInput<T>,
  random: () => number,
): WatchStep<T> {
  switch (input.type) {
    case 'event':
      return stepEvent(state, input.event, random);
    case 'closed':
      if (input.lastedMs >= watchLastsMsMin) return only({ ...state, failures: 0 });
      return only(failedWatch(state, { status: 0 }, random));
    case 'overdue':
      return only(failedWatch(state, { status: 0 }, random));
    case 'failed':
      return only(failedWatch(state, input, random));
    default:
      return only(state);
  }
}

function stepEvent<T extends KubeObject>(
  state: WatchingState,
  event: WatchEvent<T>,
  random: () => number,
): WatchStep<T> {
  if (event.type === 'ERROR') return only(failedWatch(state, { status: event.object.code ?? 0 }, random));
  const resourceVersion = event.object.metadata.resourceVersion ?? state.resourceVersion;
  const next: WatchState = { phase: 'watch', resourceVersion, failures: 0 };
  switch (event.type) {
    case 'BOOKMARK':
      return only(next);
    case 'DELETED':
      return { state: next, effects: [{ type: 'delete', object: event.object }] };
    case 'ADDED':
    case 'MODIFIED':
      return { state: next, effects: [{ type: 'upsert', object: event.object }] };
    default:
      return unreachable(event);
  }
}

function failedWatch(state: WatchingState, failure: Failure, random: () => number): WatchState {
  const failures = state.failures + 1;
  if (failure.status !== 410) return backOff({ ...state, failures }, failure, random);
  // The first 410 after something came is the ordinary one: list again at once. A server that answers each watch so is not hurried.
  return state.failures === 0 ? firstPage(failures) : backOff(firstPage(failures), failure, random);
}

interface Failure {
  readonly status: number;
  readonly retryAfterMs?: number | undefined;
}

function backOff(then: ListState | WatchingState, failure: Failure, random: () => number): WatchState {
  const { status, retryAfterMs = 0 } = failure;
  const refused = status >= 400 && status < 500 && !passing.has(status);
  const limits = refused ? watchBackOff.refused : watchBackOff.failed;
  return { phase: 'back-off', delayMs: Math.max(retryAfterMs, backOffMs(then.failures, limits, random)), then };
}

function firstPage(failures: number): ListState {
  return { phase: 'list', continue: undefined, seen: [], failures };
}

function only<T>(state: WatchState): WatchStep<T> {
  return { state, effects: [] };
}
