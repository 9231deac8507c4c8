import assert from 'node:assert/strict';
import type { ModuleSpec } from '@open-cluster-management/api-types';
import { sleep } from '../../shared/core/clock.ts';
import { events } from '../../shared/kube/resources.ts';
import { PrometheusMeters } from '../../shared/process/metrics.ts';
import { parseExposition, seriesValue } from '../../shared/testing/exposition.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { spokeNamespace } from '../world/fleet/fleet.ts';
import { loadedModules, readNode, readSpokeModule } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

const ready = 'kmm.node.kubernetes.io/kmm-modules.nic.ready';
const programs = ['hub', 'spokes'] as const;
type Of = (typeof programs)[number];

/** Each test begins with what the one before left. */
describe('what the programs tell of a module: events and metrics', () => {
  let stage: Stage;
  const meters = { hub: new PrometheusMeters(), spokes: new PrometheusMeters() };
  const page = async (program: Of) => (await meters[program].exposition()).body;
  const node = () => stage.fleet.spoke('edge-1').node('n1');
  const hasLabel = async () => (await readNode(stage.fleet, 'edge-1', 'n1')).metadata.labels?.[ready] === '';
  const eventsOf = async (of: 'hub' | 'edge-1', kind: string) => {
    const { client } = of === 'hub' ? stage.fleet.hub : stage.fleet.spoke(of).plane;
    const { items } = await client.list(events);
    return items.filter(({ regarding, reportingController }) => regarding.kind === kind && reportingController !== '');
  };
  const nodeEvents = async () =>
    (await eventsOf('edge-1', 'Node')).map(({ reason }) => reason).filter((reason) => reason.startsWith('Module'));
  const told = async (loaded: number, unloaded: number) => {
    const expected = [...Array(loaded).fill('ModuleLoaded'), ...Array(unloaded).fill('ModuleUnloaded')];
    await eventually(`${loaded} loads and ${unloaded} unloads are told`, async () => {
      const seen = (await nodeEvents()).sort();
      if (seen.length >= expected.length) return true;
      throw new Error(seen.join());
    });
    assert.deepEqual((await nodeEvents()).sort(), expected);
  };
  /** Time for what must not come: longer than any wait of a label. */
  const quietly = () => sleep(stage.clock, 45_000, new AbortController().signal);
  const numbers = async (program: Of) => {
    const body = await page(program);
    const names = ['kmm_module_num', 'kmm_in_cluster_build_num', 'kmm_in_cluster_sign_num', 'kmm_device_plugin_num'];
    return names.map((name) => seriesValue(body, name));
  };

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] }], {
      meters,
    });
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
    const image = await pushPlugin(stage.fleet, 'drivers/plugin', 'v1');
    const spec = driverSpec(stage.fleet, 'drivers/nic', { devicePlugin: { container: { image } } });
    const modprobe = { moduleName: 'nic', dirName: '/opt', args: { load: ['--first-time', '-q'] } };
    const container = { ...spec.moduleLoader?.container, modprobe } as NonNullable<
      ModuleSpec['moduleLoader']
    >['container'];
    await stage.apply('nic', fleetSpec({ ...spec, moduleLoader: { container } }));
    await stage.ready('nic');
  });
  after(() => stage.stop());

  it('the node is told once that the module was loaded, whatever restarts [55]', async () => {
    await told(1, 0);
    await stage.restartSpoke('edge-1');
    await node().restartKubelet();
    await quietly();
    await stage.ready('nic');
    await told(1, 0);
  });

  it('a reboot is told once as an unload and a load [55]', async () => {
    const { bootId } = node().kernel;
    await node().reboot();
    await eventually('the label follows the new boot', async () => node().kernel.bootId !== bootId && hasLabel());
    await told(2, 1);
    await quietly();
    await told(2, 1);
  });

  it('the hub tells each turn of a condition once, and nothing again after its restart', async () => {
    const tell = async () =>
      (await eventsOf('hub', 'ManagedClusterModule')).map(({ reason, note }) => `${reason} ${note}`);
    await stage.ready('nic');
    const before = await eventually('it told that all is ready', async () => {
      const seen = await tell();
      return seen.some((each) => each.startsWith('AllClustersReady ')) ? seen : undefined;
    });
    await stage.restartHub();
    await stage.ready('nic');
    await quietly();
    assert.deepEqual((await tell()).sort(), [...(before ?? [])].sort());
    // Ready may only be told when it was not: never twice in a row.
    const turns = (await eventsOf('hub', 'ManagedClusterModule'))
      .filter(({ action }) => action === 'Ready')
      .sort((a, b) => ((a.eventTime ?? '') < (b.eventTime ?? '') ? -1 : 1))
      .map(({ reason }) => reason);
    assert.ok(
      turns.every((reason, index) => index === 0 || reason !== turns[index - 1]),
      turns.join(),
    );
  });

  it('both programs count the Module and name its arguments, as the peer does [199]', async () => {
    assert.deepEqual(await numbers('hub'), [1, 0, 0, 1]);
    assert.deepEqual(await numbers('spokes'), [1, 0, 0, 1]);
    for (const program of programs) {
      const labels = { name: 'nic', namespace: spokeNamespace, modprobeArgs: '--first-time,-q' };
      assert.equal(seriesValue(await page(program), 'kmm_modprobe_args', labels), 1, program);
    }
    const clusters = (state: string) =>
      page('hub').then((body) => seriesValue(body, 'kmm_hub_clusters', { name: 'nic', state }));
    assert.equal(await clusters('Succeeded'), 1);
    assert.equal(await clusters('Failed'), 0);
  });

  it('the pages keep the rules of the text format, and no label is a name of a cluster or a node, or a sentence [199]', async () => {
    for (const program of programs) {
      const families = parseExposition(await page(program));
      for (const { name, samples } of families.values()) {
        for (const { labels } of samples) {
          for (const [label, value] of Object.entries(labels)) {
            assert.ok(!['edge-1', 'n1'].includes(value), `${name} ${label}=${value}`);
            if (!['modprobeArgs', 'modprobeRawArgs'].includes(label)) assert.match(value, /^\S*$/, `${name} ${label}`);
          }
        }
        assert.ok(samples.length <= 200, `${name} has ${samples.length} series`);
      }
      const needed = ['kmm_queue_depth', 'kmm_queue_latency_seconds', 'kmm_reconciles_total', 'kmm_api_requests_total'];
      for (const name of needed) assert.ok((families.get(name)?.samples.length ?? 0) > 0, `${program}: ${name}`);
    }
    const found = seriesValue(await page('hub'), 'kmm_registry_requests_total', { method: 'HEAD', outcome: '2xx' });
    assert.ok((found ?? 0) > 0);
    assert.equal(seriesValue(await page('spokes'), 'kmm_events_total', { reason: 'ModuleLoaded', result: 'sent' }), 2);
  });

  it('a Module that is being deleted counts until it is gone, and then nothing of it stays [T32] [199]', async () => {
    const resume = node().kernel.pause();
    await stage.remove('nic');
    await eventually('the hub has none', async () => (await numbers('hub'))[0] === 0);
    await eventually('the spoke is deleting it', async () => {
      const module = await readSpokeModule(stage.fleet, 'edge-1', 'nic');
      return module?.metadata.deletionTimestamp !== undefined;
    });
    assert.deepEqual(await numbers('spokes'), [1, 0, 0, 1]);
    resume();
    await eventually('the module is out', () => loadedModules(stage.fleet, 'edge-1', 'n1').length === 0);
    await eventually('the spoke has none', async () => (await numbers('spokes'))[0] === 0);
    for (const program of programs) {
      assert.deepEqual(await numbers(program), [0, 0, 0, 0]);
      const families = parseExposition(await page(program));
      for (const name of ['kmm_modprobe_args', 'kmm_hub_clusters'])
        assert.deepEqual(families.get(name)?.samples ?? [], []);
    }
    await told(2, 2);
  });
});
