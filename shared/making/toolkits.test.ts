import assert from 'node:assert/strict';
import { silentLog } from '../core/log.ts';
import type { WatchEvent } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { silentMeters } from '../kube/runtime.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { settle, VirtualClock } from '../testing/virtual-clock.ts';
import { Toolkits } from './toolkits.ts';

const kernel = '5.14.0-427.13.1.el9_4.x86_64';

function node(osImage: string, resourceVersion = '1', more = {}): KubeObject & { status: object } {
  const metadata = { name: 'n1', uid: 'n1', resourceVersion };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata,
    status: { nodeInfo: { kernelVersion: kernel, osImage }, ...more },
  };
}

const stream = {
  apiVersion: 'image.openshift.io/v1',
  kind: 'ImageStream',
  metadata: { namespace: 'openshift', name: 'driver-toolkit', uid: 's', resourceVersion: '1' },
  spec: {
    tags: [
      { name: '417.94.202410160352-0', from: { kind: 'DockerImage', name: 'registry.example/dtk' } },
      { name: 'latest' },
    ],
  },
};

/** The server's objects; what it tells of nodes later. */
async function world(onOpenShift: boolean) {
  const asked: string[] = [];
  const later = Promise.withResolvers<WatchEvent<KubeObject>[]>();
  const items: Record<string, KubeObject[]> = {
    nodes: [node('CoreOS 417.94.202410160352-0 (Plow)')],
    imagestreams: [stream],
  };
  const client = fakeClient({
    list: (async ({ plural }: { plural: string }) => {
      asked.push(plural);
      return { metadata: { resourceVersion: '1' }, items: items[plural] ?? [] };
    }) as never,
    watch: async function* ({ plural }: { plural: string }, { signal }: { signal: AbortSignal }) {
      if (plural === 'nodes') yield* await later.promise;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } as never,
  });
  const runtime = { clock: new VirtualClock(), random: () => 0, log: silentLog, meters: silentMeters };
  const toolkits = new Toolkits({
    client,
    runtime,
    namespace: 'kmm',
    isOnOpenShift: onOpenShift ? () => true : undefined,
  });
  const woken: string[] = [];
  const stop = new AbortController();
  for (const source of toolkits.sources(() => ['image'])) source.attach((key) => woken.push(key));
  for (const cache of [...toolkits.caches, ...toolkits.openShiftCaches]) cache.start(stop.signal);
  await settle();
  return { toolkits, asked, woken, tell: later.resolve, stop: () => stop.abort() };
}

describe('the toolkits that are known', () => {
  it('are those of the image stream for the OS of this cluster’s nodes [67]', async () => {
    const { toolkits, stop } = await world(true);
    assert.deepEqual(toolkits.imageFor(kernel), { kind: 'known', image: 'registry.example/dtk' });
    assert.equal(toolkits.imageFor('6.1.0-1').kind, 'unknown');
    stop();
  });

  it('are the table’s alone on Kubernetes, where neither nodes nor streams are asked for', async () => {
    const { toolkits, asked, stop } = await world(false);
    assert.deepEqual([toolkits.imageFor(kernel).kind, asked], ['unknown', ['configmaps']]);
    stop();
  });

  it('wake images when a node has another OS, and not each time that a node tells of itself', async () => {
    const { toolkits, woken, tell, stop } = await world(true);
    const before = woken.length;
    tell([
      { type: 'MODIFIED', object: node('CoreOS 417.94.202410160352-0 (Plow)', '2', { images: ['many'] }) },
      { type: 'MODIFIED', object: node('CoreOS 418.94.202501010000-0', '3') },
    ]);
    await settle();
    assert.equal(woken.length - before, 1);
    assert.equal(toolkits.imageFor(kernel).kind, 'unknown');
    stop();
  });
});
