import assert from 'node:assert/strict';
import { fakeClient } from '../testing/fake-client.ts';
import { testRuntime } from '../testing/runtime.ts';
import { settle } from '../testing/virtual-clock.ts';
import { KubeError } from './errors.ts';
import { EventRecorder, eventLimits, type RecordedEvent } from './events.ts';
import type { Event, KubeObject } from './object.ts';
import { type MeterLabels, silentMeters } from './runtime.ts';

const module: KubeObject = {
  apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
  kind: 'Module',
  metadata: { name: 'driver', namespace: 'n', uid: 'u' },
};
const loaded: RecordedEvent = {
  regarding: module,
  type: 'Normal',
  reason: 'Loaded',
  note: 'loaded on node n1',
  action: 'Load',
};

function harness(create: (event: Event) => Promise<unknown> = async () => undefined) {
  const sent: Event[] = [];
  const results: (string | undefined)[] = [];
  const meters = {
    ...silentMeters,
    counter: () => ({ add: (labels?: MeterLabels) => results.push(labels?.['result']) }),
  };
  const { clock, runtime, lines } = testRuntime({ meters });
  const client = fakeClient({
    create: (_resource, object) => {
      sent.push(object as unknown as Event);
      return create(object as unknown as Event) as Promise<never>;
    },
  });
  const recorder = new EventRecorder({ client, runtime, controller: 'kmm', instance: 'kmm-0' });
  return { recorder, sent, results, clock, lines };
}

describe('the event recorder', () => {
  it('keeps to its budget also where somebody sets the clock back', async () => {
    const { recorder, sent, clock } = harness();
    clock.setBack(3_600_000);
    for (let note = 0; note < 4 * eventLimits.burst; note += 1) {
      recorder.record({ ...loaded, note: String(note) });
      if (note % 50 === 0) await settle();
    }
    await settle();
    assert.equal(sent.length, eventLimits.burst);
  });

  it('writes what the API asks for', async () => {
    const { recorder, sent } = harness();
    recorder.record(loaded);
    await settle();
    const { metadata, ...rest } = sent[0]!;
    assert.match(metadata.name, /^driver\.[0-9a-f]+$/);
    assert.equal(metadata.namespace, 'n');
    assert.deepEqual(rest, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'kmm',
      reportingInstance: 'kmm-0',
      action: 'Load',
      reason: 'Loaded',
      note: 'loaded on node n1',
      type: 'Normal',
      regarding: { apiVersion: module.apiVersion, kind: 'Module', name: 'driver', namespace: 'n', uid: 'u' },
    });
  });

  it('puts events of objects without a namespace into default, and cuts long notes', async () => {
    const { recorder, sent } = harness();
    const regarding = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u' } };
    recorder.record({ ...loaded, regarding, note: 'x'.repeat(5000) });
    await settle();
    assert.equal(sent[0]?.metadata.namespace, 'default');
    assert.equal(sent[0]?.note.length, 1024);
  });

  it('tells the same once in 10 minutes, and anything else at once', async () => {
    const { recorder, sent, clock } = harness();
    recorder.record(loaded);
    recorder.record({ ...loaded });
    await clock.advance(eventLimits.repeatMs - 1);
    recorder.record(loaded);
    await settle();
    assert.equal(sent.length, 1);
    recorder.record({ ...loaded, note: 'loaded on node n2' });
    await settle();
    assert.equal(sent.length, 2);
    await clock.advance(1);
    recorder.record(loaded);
    await settle();
    assert.equal(sent.length, 3);
  });

  it('keeps to its budget, which fills again', async () => {
    const { recorder, sent, clock } = harness();
    for (let node = 0; node < 300; node++) {
      recorder.record({ ...loaded, note: `n${node}` });
      await settle();
    }
    assert.equal(sent.length, eventLimits.burst);
    await clock.advance(3 * eventLimits.refillMs);
    for (let node = 300; node < 310; node++) {
      recorder.record({ ...loaded, note: `n${node}` });
      await settle();
    }
    assert.equal(sent.length, eventLimits.burst + 3);
  });

  it('has no more than a few under way, and a bounded number waiting', async () => {
    const { recorder, sent, results, clock } = harness(() => new Promise(() => undefined));
    for (let round = 0; round < 4; round++) {
      for (let node = 0; node < 100; node++) recorder.record({ ...loaded, note: `n${round}-${node}` });
      await clock.advance(100 * eventLimits.refillMs);
    }
    assert.equal(sent.length, eventLimits.concurrency);
    assert.equal(results.filter((result) => result === 'dropped').length, 400 - eventLimits.pendingMax);
  });

  it('throws nothing when the server refuses', async () => {
    const { recorder, lines } = harness(() => Promise.reject(new KubeError(403, 'Forbidden', 'no')));
    recorder.record(loaded);
    await settle();
    assert.equal(lines.at(-1)?.text, 'event not sent');
  });
});
