import assert from 'node:assert/strict';
import { silentLog } from '../core/log.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { settle, VirtualClock } from '../testing/virtual-clock.ts';
import { findOpenShift } from './openshift.ts';

const groups: Record<string, string[]> = {
  'build.openshift.io': ['builds', 'buildconfigs'],
  'image.openshift.io': ['imagestreams'],
};

/** What is asked, and what the hub may do then. */
async function found(methods: Partial<KubeClient>, signal = new AbortController().signal) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const client = fakeClient({
    served: async (group) => groups[group] ?? [],
    list: async ({ plural }, options) => {
      asked.push([options?.namespace, plural, options?.fieldSelector].filter(Boolean).join(' '));
      return { metadata: { resourceVersion: '1' }, items: [] };
    },
    ...methods,
  });
  const running = findOpenShift({ client, namespace: 'kmm', runtime: { clock, log: silentLog }, signal });
  running.catch(() => undefined);
  await settle();
  await clock.advance(60_000);
  return { ...(await running), asked };
}

describe('whether this is OpenShift', () => {
  it('is what the API server serves, and lets us use', async () => {
    assert.deepEqual(await found({}), {
      builds: true,
      toolkits: true,
      asked: ['kmm builds', 'openshift imagestreams metadata.name=driver-toolkit', 'nodes'],
    });
  });

  it('is no on Kubernetes, where nothing of it is asked for', async () => {
    assert.deepEqual(await found({ served: async () => [] }), { builds: false, toolkits: false, asked: [] });
  });

  it('is no for Builds alone where they were left out of the installation', async () => {
    const served = async (group: string) => (group.startsWith('build.') ? ['buildconfigs'] : (groups[group] ?? []));
    const { builds, toolkits } = await found({ served });
    assert.deepEqual([builds, toolkits], [false, true]);
  });

  it('is no without the rights for it: then all is made as on Kubernetes', async () => {
    const list = () => Promise.reject(new KubeError(403, 'Forbidden', 'no'));
    const { builds, toolkits } = await found({ list });
    assert.deepEqual([builds, toolkits], [false, false]);
  });

  it('is asked again while nobody answers', async () => {
    let times = 0;
    const served = async (group: string) => {
      times += 1;
      if (times < 4) throw new KubeError(503, 'ServiceUnavailable', 'the server is currently unable');
      return groups[group] ?? [];
    };
    assert.equal((await found({ served })).builds, true);
  });

  it('is nobody’s question any more when the program ends', async () => {
    const served = () => Promise.reject(new KubeError(503, 'ServiceUnavailable', 'no'));
    await assert.rejects(found({ served }, AbortSignal.abort(new Error('ended'))), /ended/);
  });
});
