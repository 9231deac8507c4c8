import assert from 'node:assert/strict';
import { managedClusterModules } from '@open-cluster-management/api-types';
import { sleep } from '../../shared/core/clock.ts';
import { isRecord } from '../../shared/core/record.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { programUsers } from '../world/fleet/fleet.ts';
import { loadedModules, readSpokeModule, readWork } from '../world/fleet/observe.ts';
import type { Plane } from '../world/fleet/plane.ts';
import { peerDefinitions } from '../world/peer-definitions.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

/** Longer than any write is held back (`repeatLimits.maxMs`). */
const restMs = 90_000;

describe('with the CustomResourceDefinitions of the Go project in place of ours', () => {
  let stage: Stage;
  const isLoaded = () => loadedModules(stage.fleet, 'edge-1', 'n1').includes('nic');
  const written = async (plane: Plane, user: string) =>
    (await plane.requests(user)).filter(
      ({ verb, resource }) => ['create', 'update', 'patch', 'delete'].includes(verb) && resource !== 'events',
    );

  before(async function () {
    if (peerDefinitions('kmm') === undefined) {
      process.stderr.write("SKIPPED: no peers' CRDs in ../shared/crds: set KMM_PEER_CRDS\n");
      return this.skip();
    }
    const nodes = [{ name: 'n1', kernel: { release: kernels.el9 } }];
    stage = await startStage([{ name: 'edge-1', nodes }], { traits: { definitions: 'peers' } });
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
  });
  after(() => stage?.stop());

  it('a work is accepted unchanged on the spoke, nothing of it dropped, and the module is loaded', async () => {
    const image = await pushPlugin(stage.fleet, 'drivers/plugin', 'v1');
    const plugin = { container: { image, env: [{ name: 'A', value: 'b' }] } };
    const tolerations = [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }] as const;
    const spec = driverSpec(stage.fleet, 'drivers/nic', { devicePlugin: plugin, tolerations: [...tolerations] });
    spec.moduleLoader!.container.modprobe.parameters = ['debug=1'];
    spec.moduleLoader!.container.inTreeModulesToRemove = ['old_nic'];
    const { selector, spokeNamespace, moduleSpec } = fleetSpec(spec);
    await stage.apply('nic', { selector, spokeNamespace, moduleSpec });
    await eventually('the module is in the kernel', isLoaded);
    const [manifest] = (await readWork(stage.fleet, 'edge-1', 'nic'))?.spec.workload?.manifests ?? [];
    const sent = manifest as { spec: object } | undefined;
    const module = await readSpokeModule(stage.fleet, 'edge-1', 'nic');
    assert.deepEqual(withoutDefaults(module?.spec, sent?.spec), sent?.spec);
  });

  it("the hub counts the cluster, in the peer's three numbers", async () => {
    const object = await eventually('the work is applied', async () => {
      const seen = await stage.fleet.hub.client.get(managedClusterModules, { name: 'nic' });
      return seen?.status?.numberApplied === 1 ? seen : undefined;
    });
    assert.equal(object.status?.numberDesired, 1);
    assert.equal(object.status?.numberDegraded, 0);
    assert.equal(object.status?.conditions, undefined, 'theirs has no conditions: these are not their definitions');
  });

  it('at rest nothing is written again because a default came back, or a field of ours did not', async () => {
    await sleep(stage.clock, restMs);
    const { hub } = stage.fleet;
    const { plane } = stage.fleet.spoke('edge-1');
    const before = [await written(hub, programUsers.hub), await written(plane, programUsers.spoke)];
    assert.ok(before.every(({ length }) => length > 0));
    await sleep(stage.clock, restMs);
    const after = [await written(hub, programUsers.hub), await written(plane, programUsers.spoke)];
    assert.deepEqual(
      after.map((each, index) => each.slice(before[index]?.length)),
      [[], []],
    );
  });

  it('it is unloaded and gone when the object is deleted', async () => {
    await stage.remove('nic');
    await eventually('it is out', () => !isLoaded());
    await eventually(
      'the Module is gone',
      async () => (await readSpokeModule(stage.fleet, 'edge-1', 'nic')) === undefined,
    );
  });
});

/** `present` without the members that `sent` lacks and a server adds by default. */
function withoutDefaults(present: unknown, sent: unknown): unknown {
  if (Array.isArray(present) && Array.isArray(sent)) {
    return present.map((item, index) => withoutDefaults(item, sent[index]));
  }
  if (!isRecord(present) || !isRecord(sent)) return present;
  const members = Object.entries(present).filter(([name]) => name in sent);
  return Object.fromEntries(members.map(([name, value]) => [name, withoutDefaults(value, sent[name])]));
}
