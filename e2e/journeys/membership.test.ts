import assert from 'node:assert/strict';
import { clusterClaims, managedClusters, manifestWorks } from '@open-cluster-management/api-types';
import { kernelClaimName, parseKernelClaims } from '../../shared/kernel/claims.ts';
import type { Node } from '../../shared/kube/object.ts';
import { nodes as nodeResource } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { conditionOf, loadedModules, readModule, readWork, readWorks } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

describe('which clusters get a module', () => {
  let stage: Stage;
  const label = (cluster: string, labels: Record<string, string | null>) =>
    stage.fleet.hub.client.patch(managedClusters, { name: cluster }, { type: 'merge', body: { metadata: { labels } } });
  const isLoaded = (cluster: string) => loadedModules(stage.fleet, cluster, 'n1').includes('nic');

  before(async () => {
    stage = await startStage([
      { name: 'edge-1', labels: { tier: 'edge' }, nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] },
      { name: 'edge-2', labels: { tier: 'core' }, nodes: [{ name: 'n1', kernel: { release: kernels.debian } }] },
    ]);
    const known = [kernels.el9, kernels.debian];
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: known });
    await stage.apply('nic', fleetSpec(driverSpec(stage.fleet, 'drivers/nic'), { tier: 'edge' }));
    await stage.ready('nic');
  });
  after(() => stage.stop());

  it('those whose labels match, and no other [141]', async () => {
    assert.ok(isLoaded('edge-1'));
    assert.deepEqual(
      (await readWorks(stage.fleet)).map(({ metadata }) => metadata.namespace),
      ['edge-1'],
    );
    assert.equal(isLoaded('edge-2'), false);
  });

  it('more kernels than one claim can hold: the next claim takes them, all are known, and it goes when they go [165] [166]', async () => {
    const { client } = stage.fleet.spoke('edge-2').plane;
    // Of a cluster that no module selects: the hub only reads. Nodes that are only said to be there: their kernels count all the same.
    const names = Array.from({ length: 24 }, (_, index) => `said-${index}`);
    const releaseOf = (index: number) => `6.1.${100 + index}-${'x'.repeat(40)}`;
    for (const [index, name] of names.entries()) await client.create(nodeResource, saidNode(name, releaseOf(index)));
    const second = async () => client.get(clusterClaims, { name: kernelClaimName(2) });
    await eventually('there is a second claim', async () => (await second()) !== undefined);
    await eventually('the hub knows all of them', async () => {
      const { clusterClaims: claims = [] } =
        (await stage.fleet.hub.client.get(managedClusters, { name: 'edge-2' }))?.status ?? {};
      const { kernels: known, complete } = parseKernelClaims(
        claims.map(({ name = '', value = '' }) => ({ name, value })),
      );
      return complete && names.every((_, index) => known.includes(releaseOf(index)));
    });
    for (const name of names) await client.delete(nodeResource, { name });
    await eventually('the second claim is gone', async () => (await second()) === undefined);
  });

  it('one that gains the label, with its own kernels [156] [T1]', async () => {
    await label('edge-2', { tier: 'edge' });
    await eventually('it is loaded there', () => isLoaded('edge-2'));
    await stage.ready('nic');
    const literals = async (cluster: string) => JSON.stringify((await readWork(stage.fleet, cluster, 'nic'))?.spec);
    assert.ok(!(await literals('edge-1')).includes(kernels.debian));
    assert.ok(!(await literals('edge-2')).includes(kernels.el9));
  });

  it('not one that loses it: the module is unloaded there [155]', async () => {
    await label('edge-2', { tier: 'core' });
    await eventually('it is out', () => !isLoaded('edge-2'));
    await eventually('its work is gone', async () => (await readWorks(stage.fleet)).length === 1);
    await stage.ready('nic');
    assert.ok(isLoaded('edge-1'));
  });

  it('not one in whose namespace somebody else has a work of the name: it is left alone and named [T29]', async () => {
    const foreign = {
      apiVersion: 'work.open-cluster-management.io/v1' as const,
      kind: 'ManifestWork' as const,
      metadata: { name: 'nic', namespace: 'edge-2', labels: { owner: 'somebody' } },
      spec: {
        workload: {
          manifests: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs', namespace: 'default' } }],
        },
      },
    };
    await stage.fleet.hub.client.create(manifestWorks, foreign);
    await label('edge-2', { tier: 'edge' });
    const object = await eventually('the cluster is named', async () => {
      const seen = await readModule(stage.fleet, 'nic');
      return seen?.status?.clusters?.some(({ name }) => name === 'edge-2') ? seen : undefined;
    });
    assert.match(conditionOf(object, 'Ready'), /^False /);
    const work = await readWork(stage.fleet, 'edge-2', 'nic');
    assert.deepEqual(work?.metadata.labels, { owner: 'somebody' });
    assert.deepEqual(work?.spec, foreign.spec);
    assert.ok(isLoaded('edge-1'));
  });
});

function saidNode(name: string, kernelVersion: string): Node {
  const text = 'said';
  const nodeInfo = {
    architecture: 'amd64',
    bootID: text,
    containerRuntimeVersion: text,
    kernelVersion,
    kubeProxyVersion: '',
    kubeletVersion: text,
    machineID: text,
    operatingSystem: 'linux',
    osImage: text,
    systemUUID: text,
  };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { nodeInfo } };
}
