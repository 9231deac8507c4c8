import assert from 'node:assert/strict';
import { nodes, pods } from '../kube/resources.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { missingRequirements } from './preflight.ts';

describe('what is looked for before a program starts', () => {
  const requirements = [{ resource: nodes }, { resource: pods }];

  function hanging() {
    const signals: (AbortSignal | undefined)[] = [];
    const client = fakeClient({
      list: (_resource, options) => {
        signals.push(options?.signal);
        return new Promise(() => undefined);
      },
    });
    return { client, signals, clock: new VirtualClock() };
  }

  it('is said to be out of reach within 10 s when the server is silent, and no longer asked for', async () => {
    const { client, signals, clock } = hanging();
    const missing = missingRequirements(client, requirements, { clock, signal: new AbortController().signal });
    await clock.advance(10_000);
    assert.deepEqual(await missing, ['cannot reach the API server: no answer within 10 s']);
    assert.deepEqual(
      signals.map((signal) => signal?.aborted),
      [true, true],
    );
  });

  it('[198] is waited for no longer when the program is asked to end', async () => {
    const { client, clock } = hanging();
    const abort = new AbortController();
    const missing = missingRequirements(client, requirements, { clock, signal: abort.signal });
    abort.abort();
    assert.deepEqual(await missing, []);
    assert.equal(clock.pending, 0);
  });

  it('leaves no timer behind when all is there', async () => {
    const clock = new VirtualClock();
    const client = fakeClient({ list: () => Promise.resolve({ metadata: { resourceVersion: '1' }, items: [] }) });
    const signal = new AbortController().signal;
    assert.deepEqual(await missingRequirements(client, requirements, { clock, signal }), []);
    assert.equal(clock.pending, 0);
  });
});
