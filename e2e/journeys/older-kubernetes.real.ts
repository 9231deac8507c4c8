import assert from 'node:assert/strict';
import type { KubeObject } from '../../shared/kube/object.ts';
import { definitions } from '../world/api-server/definitions.ts';
import { rawClient } from '../world/api-server/raw-client.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { loadedModules, readPods, readSpokeModule, readWorks } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

describe('on Kubernetes 1.30, the oldest that can be had here', () => {
  let stage: Stage;
  const isLoaded = () => loadedModules(stage.fleet, 'edge-1', 'n1').includes('nic');

  before(async () => {
    const nodes = [{ name: 'n1', kernel: { release: kernels.el9 } }];
    stage = await startStage([{ name: 'edge-1', nodes }], { traits: { release: '1.30' } });
    const known = [kernels.el9, kernels.el9Next];
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: known });
  });
  after(() => stage?.stop());

  it('both planes are of that release', async () => {
    for (const plane of [stage.fleet.hub, stage.fleet.spoke('edge-1').plane]) {
      const raw = rawClient(await plane.kubeconfig());
      const { body } = await raw.call('GET', '/version');
      await raw.close();
      assert.match(String(body['gitVersion']), /^v1\.30\./);
    }
  });

  it('the definitions are established as they are, with nothing to complain of [210]', async () => {
    type Definition = KubeObject & {
      spec: unknown;
      status?: { conditions?: { type: string; status: string; message?: string }[] };
    };
    for (const plane of [stage.fleet.hub, stage.fleet.spoke('edge-1').plane]) {
      const { items } = await plane.client.list<Definition>(definitions);
      const ours = items.filter(({ metadata }) => metadata.name.includes('kmm.sigs.x-k8s.io'));
      assert.ok(ours.length > 0);
      for (const { metadata, status } of ours) {
        const said = status?.conditions?.filter(({ type, status: is }) => (type === 'Established') !== (is === 'True'));
        assert.deepEqual(
          said?.filter(({ type }) => type !== 'NamesAccepted'),
          [],
          metadata.name,
        );
      }
    }
  });

  it('the main job is done: loaded with its plugin, followed into another kernel, unloaded, gone [210]', async () => {
    const image = await pushPlugin(stage.fleet, 'drivers/plugin', 'v1');
    const plugin = { devicePlugin: { container: { image } } };
    await stage.apply('nic', fleetSpec(driverSpec(stage.fleet, 'drivers/nic', plugin)));
    await stage.ready('nic');
    assert.ok(isLoaded());
    await stage.fleet
      .spoke('edge-1')
      .node('n1')
      .reboot({ kernel: { release: kernels.el9Next } });
    await eventually('it is in the new kernel', isLoaded);
    await stage.ready('nic');
    await stage.remove('nic');
    await eventually('no work is left', async () => (await readWorks(stage.fleet)).length === 0);
    await eventually('no pod is left', async () => (await readPods(stage.fleet, 'edge-1')).length === 0);
    assert.equal(isLoaded(), false);
    assert.equal(await readSpokeModule(stage.fleet, 'edge-1', 'nic'), undefined);
  });
});
