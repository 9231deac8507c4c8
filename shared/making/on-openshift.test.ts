import assert from 'node:assert/strict';
import { silentLog } from '../core/log.ts';
import { KubeError } from '../kube/errors.ts';
import type { Pod } from '../kube/object.ts';
import { silentMeters } from '../kube/runtime.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { settle, VirtualClock } from '../testing/virtual-clock.ts';
import { OnOpenShift } from './on-openshift.ts';
import { podIndex } from './step-pods.ts';

const away = new KubeError(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
const groups: Record<string, string[]> = {
  'build.openshift.io': ['builds'],
  'image.openshift.io': ['imagestreams'],
};

const buildPod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'driver-build-build',
    namespace: 'kmm',
    uid: 'p',
    resourceVersion: '1',
    labels: { 'openshift.io/build.name': 'driver-build' },
    ownerReferences: [{ apiVersion: 'build.openshift.io/v1', kind: 'Build', name: 'driver-build', uid: 'b' }],
  },
  spec: { containers: [] },
};

/** `isAway`: OpenShift's API server, of which the other knows the kinds. */
function world({ isOpenShift = true, isAway = false, isListedLate = false } = {}) {
  const at = { isAway, isListedLate, settled: 0 };
  const asked: string[] = [];
  const clock = new VirtualClock();
  const client = fakeClient({
    served: async (group) => {
      if (at.isAway) throw away;
      return isOpenShift ? (groups[group] ?? []) : [];
    },
    list: (async (
      { plural }: { plural: string },
      { labelSelector, limit }: { labelSelector: string; limit: number },
    ) => {
      if (limit === 1) return { metadata: { resourceVersion: '1' }, items: [] };
      asked.push(`${plural} ${labelSelector}`);
      if (at.isListedLate && plural === 'builds') throw away;
      return { metadata: { resourceVersion: '1' }, items: plural === 'pods' ? [buildPod] : [] };
    }) as never,
    watch: async function* (_: unknown, { signal }: { signal: AbortSignal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } as never,
  });
  const runtime = { clock, random: () => 0, log: silentLog, meters: silentMeters };
  const ours = { labelSelector: 'ours', indexes: {} };
  const openShift = new OnOpenShift({ client, runtime, namespace: 'kmm', deadlineSeconds: 60, ours });
  const stop = new AbortController();
  const stopped = openShift.run(stop.signal, [], () => {
    at.settled += 1;
  });
  let isOpen = false;
  void openShift.opened.then(() => {
    isOpen = true;
  });
  const end = async () => {
    stop.abort();
    await stopped;
  };
  return { at, asked, clock, openShift, end, isOpen: () => isOpen };
}

describe('what there is on OpenShift only', () => {
  it('is begun with at once where the API server has it; pods are found by the name of their Build', async () => {
    const { at, asked, openShift, end, isOpen } = world();
    assert.match(openShift.waitsFor() ?? '', /^the API server says whether it serves OpenShift's Builds/);
    await settle();
    assert.deepEqual(asked, ['builds ours', 'pods openshift.io/build.name']);
    assert.deepEqual([openShift.waitsFor(), openShift.has.builds, isOpen(), at.settled], [undefined, true, true, 1]);
    assert.ok(openShift.maker !== undefined && openShift.buildsView.synced);
    assert.deepEqual(
      openShift.pods.byIndex(podIndex, 'b').map(({ metadata: { name } }) => name),
      ['driver-build-build'],
    );
    await end();
  });

  it('is nothing on Kubernetes, where nothing of it is listed and nothing is waited for', async () => {
    const { at, asked, openShift, end, isOpen } = world({ isOpenShift: false });
    await settle();
    assert.deepEqual([asked, openShift.maker, openShift.waitsFor()], [[], undefined, undefined]);
    assert.deepEqual([isOpen(), openShift.buildsView.synced, at.settled], [true, true, 1]);
    await end();
  });

  it('keeps nobody who needs none of it waiting while its API is away, and is begun with when that answers', async () => {
    const { at, asked, clock, openShift, end, isOpen } = world({ isAway: true });
    await settle();
    assert.match(openShift.waitsFor() ?? '', /currently unable to handle the request/);
    // What is at work is not known: others have patience, for a moment.
    assert.deepEqual([isOpen(), openShift.buildsView.synced], [false, false]);
    await clock.advance(10_000);
    assert.deepEqual([isOpen(), openShift.buildsView.synced, openShift.maker], [true, true, undefined]);
    await clock.advance(3_600_000);
    assert.deepEqual([asked, at.settled], [[], 0]);
    at.isAway = false;
    await clock.advance(10_000);
    assert.deepEqual([openShift.waitsFor(), openShift.maker !== undefined, at.settled], [undefined, true, 1]);
    await end();
  });

  it('is waited for, by who needs it, until it is listed: what is there must be seen first', async () => {
    const { at, clock, openShift, end } = world({ isListedLate: true });
    await clock.advance(20_000);
    assert.deepEqual([openShift.waitsFor(), at.settled], ['the API server lists builds', 0]);
    at.isListedLate = false;
    await clock.advance(120_000);
    assert.deepEqual([openShift.waitsFor(), at.settled], [undefined, 1]);
    await end();
  });

  it('ends with the program, also before anything is known', async () => {
    const { end, openShift, isOpen } = world({ isAway: true });
    await settle();
    await end();
    assert.ok(isOpen());
    assert.equal(openShift.maker, undefined);
  });
});
