import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { WatchEvent } from './client.ts';
import type { KubeObject } from './object.ts';
import { initialWatchState, stepWatch, type WatchEffect, type WatchInput, type WatchState } from './watch-state.ts';

const random = () => 1;
const object = (name: string, version: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, resourceVersion: String(version) },
});
const page = (version: number, items: KubeObject[], token?: string): WatchInput<KubeObject> => ({
  type: 'page',
  list: { metadata: { resourceVersion: String(version), ...(token && { continue: token }) }, items },
});
const event = (type: 'ADDED' | 'DELETED' | 'BOOKMARK', given: KubeObject): WatchInput<KubeObject> => ({
  type: 'event',
  event: { type, object: given },
});
const watching = (failures = 0): WatchState => ({ phase: 'watch', resourceVersion: '7', failures });
const feed = (state: WatchState, ...inputs: WatchInput<KubeObject>[]) => {
  const effects: WatchEffect<KubeObject>[] = [];
  for (const input of inputs) {
    const step = stepWatch(state, input, random);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
};

describe('the life of a watch', () => {
  it('lists page by page, and watches from the version of the last one', () => {
    const { state, effects } = feed(initialWatchState, page(5, [object('a', 1)], 'more'), page(6, [object('b', 2)]));
    assert.deepEqual(state, { phase: 'watch', resourceVersion: '6', failures: 0 });
    assert.deepEqual(
      effects.map((effect) => effect.type),
      ['upsert', 'upsert', 'retain'],
    );
    assert.deepEqual(effects.at(-1), { type: 'retain', keys: new Set(['a', 'b']) });
  });

  it('asks for the same page again after a failure, and for the first one when the token is too old', () => {
    const paged = feed(initialWatchState, page(5, [object('a', 1)], 'more')).state;
    const again = feed(paged, { type: 'failed', status: 500 }, { type: 'elapsed' }).state;
    assert.deepEqual(again, { ...paged, failures: 1 });
    const anew = feed(paged, { type: 'failed', status: 410 }, { type: 'elapsed' }).state;
    assert.deepEqual(anew, { phase: 'list', continue: undefined, seen: [], failures: 1 });
  });

  it('goes on from the version of each event and bookmark', () => {
    const after = feed(watching(3), event('BOOKMARK', object('', 9)));
    assert.deepEqual(after, { state: { phase: 'watch', resourceVersion: '9', failures: 0 }, effects: [] });
    const deleted = feed(watching(), event('DELETED', object('a', 8)));
    assert.deepEqual(deleted.effects, [{ type: 'delete', object: object('a', 8) }]);
    assert.equal((deleted.state as { resourceVersion: string }).resourceVersion, '8');
  });

  it('lists anew at once for a first 410, and after a back-off for the next', () => {
    const gone: WatchEvent<KubeObject> = { type: 'ERROR', object: { code: 410, reason: 'Expired' } };
    assert.equal(feed(watching(0), { type: 'event', event: gone }).state.phase, 'list');
    assert.equal(feed(watching(0), { type: 'failed', status: 410 }).state.phase, 'list');
    const second = feed(watching(1), { type: 'event', event: gone }).state;
    assert.equal(second.phase, 'back-off');
    assert.equal(feed(second, { type: 'elapsed' }).state.phase, 'list');
  });

  it('watches on at once after the server ended a watch, but not when that ended at once', () => {
    assert.deepEqual(feed(watching(2), { type: 'closed', lastedMs: 400_000 }).state, watching(0));
    assert.equal(feed(watching(0), { type: 'closed', lastedMs: 3 }).state.phase, 'back-off');
  });

  it('keeps its version through dead and broken connections', () => {
    for (const input of [{ type: 'overdue' }, { type: 'failed', status: 0 }] as const) {
      assert.deepEqual(feed(watching(), input, { type: 'elapsed' }).state, watching(1));
    }
  });

  it('waits twice as long after each failure, 4 s at most, and as long as the server says', () => {
    const delays = (status: number) =>
      [0, 1, 2, 6, 50].map((failures) => {
        const { state } = feed(watching(failures), { type: 'failed', status });
        return state.phase === 'back-off' ? state.delayMs : undefined;
      });
    for (const status of [0, 429, 500, 503]) assert.deepEqual(delays(status), [500, 1000, 2000, 4_000, 4_000]);
    // Only a person ends these: a right, or a definition, that is missing.
    for (const status of [401, 403, 404]) assert.deepEqual(delays(status), [500, 1000, 2000, 30_000, 30_000]);
    const told = feed(watching(), { type: 'failed', status: 429, retryAfterMs: 45_000 }).state;
    assert.equal(told.phase === 'back-off' && told.delayMs, 45_000);
  });

  it('ends for good when it is told to, in every phase', () => {
    const phases = [initialWatchState, watching(), feed(watching(), { type: 'failed', status: 500 }).state];
    for (const state of phases) {
      assert.equal(feed(state, { type: 'aborted' }).state.phase, 'ended');
      assert.equal(feed(state, { type: 'aborted' }, page(1, [object('a', 1)])).state.phase, 'ended');
    }
  });

  it('knows in the end what the server has, whatever broke on the way', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(4)), { maxLength: 80 }), (script) => {
        const server = new History();
        const known = new Map<string, string>();
        let state: WatchState = initialWatchState;
        const take = (input: WatchInput<KubeObject>) => {
          const step = stepWatch(state, input, random);
          state = step.state;
          for (const effect of step.effects) apply(known, effect);
        };
        for (const [choice, name] of script) act(server, { choice, name: `n${name}`, state, take });
        for (let turn = 0; turn < 200 && !settled(server, state); turn++) proceed(server, state, take);
        assert.deepEqual([...known].sort(), [...server.objects].sort());
      }),
      { numRuns: 300 },
    );
  });
});

/** A server's objects, and the events since it was last compacted. */
class History {
  version = 1;
  compactedAt = 0;
  objects = new Map<string, string>();
  events: { version: number; type: 'ADDED' | 'DELETED'; object: KubeObject }[] = [];

  change(name: string, deleted: boolean): void {
    if (deleted && !this.objects.has(name)) return;
    this.version += 1;
    if (deleted) this.objects.delete(name);
    else this.objects.set(name, String(this.version));
    const type = deleted ? 'DELETED' : 'ADDED';
    this.events.push({ version: this.version, type, object: object(name, this.version) });
  }

  compact(): void {
    this.compactedAt = this.version;
    this.events = [];
  }

  list(): WatchInput<KubeObject> {
    return page(
      this.version,
      [...this.objects].map(([name, version]) => object(name, Number(version))),
    );
  }
}

type Take = (input: WatchInput<KubeObject>) => void;

function act(server: History, step: { choice: number; name: string; state: WatchState; take: Take }): void {
  const { choice, name, state, take } = step;
  if (choice <= 2) server.change(name, choice === 2);
  else if (choice === 3) server.compact();
  else if (choice === 4) take({ type: 'failed', status: 500 });
  else if (choice === 5) take({ type: 'overdue' });
  else if (choice === 6) take({ type: 'closed', lastedMs: 300_000 });
  else proceed(server, state, take);
}

/** One thing that a working server does for the phase. */
function proceed(server: History, state: WatchState, take: Take): void {
  if (state.phase === 'back-off') take({ type: 'elapsed' });
  else if (state.phase === 'list') take(server.list());
  else if (state.phase === 'watch') sendNext(server, Number(state.resourceVersion), take);
}

function sendNext(server: History, from: number, take: Take): void {
  const next = server.events.find(({ version }) => version > from);
  if (from < server.compactedAt) take({ type: 'failed', status: 410 });
  else if (next !== undefined) take({ type: 'event', event: { type: next.type, object: next.object } });
}

function settled(server: History, state: WatchState): boolean {
  return state.phase === 'watch' && Number(state.resourceVersion) === server.version;
}

function apply(known: Map<string, string>, effect: WatchEffect<KubeObject>): void {
  if (effect.type === 'retain') {
    for (const name of known.keys()) if (!effect.keys.has(name)) known.delete(name);
  } else if (effect.type === 'delete') known.delete(effect.object.metadata.name);
  else known.set(effect.object.metadata.name, effect.object.metadata.resourceVersion ?? '');
}
