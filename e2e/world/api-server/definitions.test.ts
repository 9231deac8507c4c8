import assert from 'node:assert/strict';
import { systemClock } from '../../../shared/core/clock.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { KubeObject } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { ocmDefinitions } from '../ocm/definitions.ts';
import { applyDefinitions, definitions, ourDefinitions } from './definitions.ts';
import { type ApiServer, startApiServer } from './server.ts';

describe('definitions of the world', () => {
  let server: ApiServer;
  let client: KubeClient;

  before(async () => {
    server = await startApiServer({ clock: systemClock, name: 'hub' });
    client = createKubeClient({ kubeconfig: { text: server.kubeconfig() } });
  });
  after(async () => {
    await client.close();
    await server.stop();
  });

  it('ours and those of OCM are accepted, twice too', async () => {
    const wanted = [...ourDefinitions(), ...ocmDefinitions()];
    await applyDefinitions(client, wanted);
    await applyDefinitions(client, wanted);
    const { items } = await client.list(definitions);
    assert.equal(items.length, wanted.length);
    assert.ok(items.some(({ metadata }) => metadata.name === 'modules.kmm.sigs.x-k8s.io'));
  });

  it('a ManifestWork keeps any content, and its status is apart', async () => {
    await applyDefinitions(client, ocmDefinitions());
    const works = resource<KubeObject & { spec: object; status?: object }>(
      'work.open-cluster-management.io',
      'v1',
      'ManifestWork',
      'manifestworks',
      true,
    );
    const spec = {
      workload: { manifests: [{ apiVersion: 'x/v1', kind: 'Y', metadata: { name: 'z' }, any: { thing: [1] } }] },
    };
    const work = {
      apiVersion: 'work.open-cluster-management.io/v1',
      kind: 'ManifestWork',
      metadata: { name: 'w', namespace: 'default' },
      spec,
      status: { conditions: [] },
    };
    const made = await client.create(works, work);
    assert.deepEqual(made.spec, spec);
    assert.deepEqual([made.metadata.generation, made.status], [1, undefined]);
  });
});
