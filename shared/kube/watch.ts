import { unreachable } from '../core/assert.ts';
import { type CancelTimer, sleep } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import type { KubeClient, List } from './client.ts';
import { KubeError } from './errors.ts';
import type { KubeObject, Resource } from './object.ts';
import type { Counter, Runtime } from './runtime.ts';
import { initialWatchState, stepWatch, type WatchEffect, type WatchInput, type WatchState } from './watch-state.ts';

export interface WatchTarget<T extends KubeObject> {
  client: KubeClient;
  resource: Resource<T>;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** As in `ListOptions`. */
  metadataOnly?: boolean | undefined;
}

export const watchLimits = {
  /** Objects a page: bounds the size of an answer, and for how long nothing else is done while it is taken in. */
  pageSize: 250,
  /** A watch is asked to last 5 to 10 minutes, random, so that those of many programs do not end together. */
  timeoutSecondsMin: 300,
  timeoutSecondsMax: 600,
  /** Beyond the timeout before the connection is taken for dead: the server would have ended the watch. */
  overdueGraceMs: 15_000,
  /** A watch that says nothing for so long is taken for dead: Kubernetes sends a bookmark a minute. To watch on costs one request. */
  silentMsMax: 150_000,
} as const;

/**
 * Lists and watches until `signal` aborts, through dropped connections, 410 and refusals, and hands on every effect in
 * order. Never throws for what an API server does; what `onEffect` throws is logged and the step tried again after a back-off.
 */
export async function runWatch<T extends KubeObject>(
  target: WatchTarget<T>,
  options: { runtime: Runtime; signal: AbortSignal; onEffect: (effect: WatchEffect<T>) => void },
): Promise<void> {
  const { runtime, signal } = options;
  const log = runtime.log.child({ resource: target.resource.plural });
  const failures = runtime.meters.counter({
    name: 'kmm_watch_failures_total',
    help: 'Lists and watches that failed, by resource and HTTP status (0: no answer)',
    labels: ['resource', 'status'],
  });
  const restarts = runtime.meters.counter({
    name: 'kmm_watch_restarts_total',
    help: 'Watches begun anew, by resource and what ended the one before: closed, overdue, failed, event (an error of the server)',
    labels: ['resource', 'cause'],
  });
  let state: WatchState = initialWatchState;
  const feed = (input: WatchInput<T>) => {
    const watched = state.phase === 'watch';
    const step = stepWatch<T>(state, input, runtime.random);
    for (const effect of step.effects) options.onEffect(effect);
    state = step.state;
    // A watch that goes on only learns its next version; what it was closed by may leave it in the same phase.
    const ended = watched && (state.phase !== 'watch' || input.type !== 'event');
    if (ended && state.phase !== 'ended') restarts.add({ resource: target.resource.plural, cause: input.type });
    return state;
  };
  signal.addEventListener('abort', () => feed({ type: 'aborted' }), { once: true });
  if (signal.aborted) feed({ type: 'aborted' });
  const drive: Drive<T> = { runtime, signal, feed, nextPage: undefined };
  while (current(state).phase !== 'ended') {
    try {
      await perform(target, state, drive);
    } catch (error) {
      if (signal.aborted) break;
      report(error, { log, failures, resource: target.resource.plural });
      feed(failureOf(error));
    }
  }
}

/** Keeps the compiler from narrowing a state that callbacks change. */
function current(state: WatchState): WatchState {
  return state;
}

interface Drive<T extends KubeObject> {
  /** Asked for already. */
  nextPage: { token: string; list: Promise<List<T>> } | undefined;
  runtime: Runtime;
  signal: AbortSignal;
  feed: (input: WatchInput<T>) => WatchState;
}

async function perform<T extends KubeObject>(
  target: WatchTarget<T>,
  state: WatchState,
  drive: Drive<T>,
): Promise<void> {
  switch (state.phase) {
    case 'list':
      return listPage(target, state.continue, drive);
    case 'watch':
      return watchOnce(target, state.resourceVersion, drive);
    case 'back-off':
      await sleep(drive.runtime.clock, state.delayMs, drive.signal);
      drive.feed({ type: 'elapsed' });
      return;
    case 'ended':
      return;
    default:
      return unreachable(state);
  }
}

/** The server makes the next page ready while we take this one in: each of the two takes about as long. */
async function listPage<T extends KubeObject>(target: WatchTarget<T>, token: string | undefined, drive: Drive<T>) {
  const { client, resource } = target;
  const ask = (page: string | undefined) =>
    client.list(resource, {
      ...selectionOf(target),
      limit: watchLimits.pageSize,
      continue: page,
      signal: drive.signal,
    });
  const { nextPage } = drive;
  drive.nextPage = undefined;
  const list = await (token !== undefined && nextPage?.token === token ? nextPage.list : ask(token));
  const next = list.metadata.continue;
  if (next) {
    drive.nextPage = { token: next, list: ask(next) };
    // Whoever wants the page is told; nobody may want it any more.
    drive.nextPage.list.catch(() => undefined);
  }
  drive.feed({ type: 'page', list });
}

/** No more than that: who watches may have options of its own beside the target's. */
function selectionOf<T extends KubeObject>(target: WatchTarget<T>) {
  const { namespace, labelSelector, fieldSelector, metadataOnly } = target;
  return { namespace, labelSelector, fieldSelector, metadataOnly };
}

async function watchOnce<T extends KubeObject>(target: WatchTarget<T>, resourceVersion: string, drive: Drive<T>) {
  const { client, resource } = target;
  const { clock, random } = drive.runtime;
  const { timeoutSecondsMin, timeoutSecondsMax, overdueGraceMs, silentMsMax } = watchLimits;
  const timeoutSeconds = Math.round(timeoutSecondsMin + (timeoutSecondsMax - timeoutSecondsMin) * random());
  const startedMs = clock.passed();
  const endsMs = startedMs + timeoutSeconds * 1000 + overdueGraceMs;
  let heardMs = startedMs;
  const overdue = new AbortController();
  // One timer, however many events come: when it is up, it sees whether anything did.
  const look = (): CancelTimer => {
    const deadMs = Math.min(endsMs, heardMs + silentMsMax);
    return clock.after(deadMs - clock.passed(), () => {
      if (clock.passed() >= Math.min(endsMs, heardMs + silentMsMax)) overdue.abort();
      else cancel = look();
    });
  };
  let cancel = look();
  try {
    const signal = AbortSignal.any([drive.signal, overdue.signal]);
    for await (const event of client.watch(resource, {
      ...selectionOf(target),
      resourceVersion,
      timeoutSeconds,
      signal,
    })) {
      heardMs = clock.passed();
      // After an error event the state is no longer watching; what the server still sends belongs to no phase.
      if (drive.feed({ type: 'event', event }).phase !== 'watch') return;
    }
    drive.feed(overdue.signal.aborted ? { type: 'overdue' } : { type: 'closed', lastedMs: clock.passed() - startedMs });
  } catch (error) {
    if (!overdue.signal.aborted) throw error;
    drive.feed({ type: 'overdue' });
  } finally {
    cancel();
  }
}

function failureOf<T>(error: unknown): WatchInput<T> {
  if (!(error instanceof KubeError)) return { type: 'failed', status: 0 };
  return { type: 'failed', status: error.status, retryAfterMs: error.retryAfterMs };
}

function report(error: unknown, to: { log: Runtime['log']; failures: Counter; resource: string }): void {
  const status = error instanceof KubeError ? error.status : 0;
  to.failures.add({ resource: to.resource, status: String(status) });
  to.log.warn({ status, error: errorMessage(error) }, 'list or watch failed, trying again');
}
