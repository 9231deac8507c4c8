import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ManagedClusterModule, type ModuleSpec, managedClusterModules } from '@open-cluster-management/api-types';
import { rowsOf } from '../../hub/cli/rows.ts';
import { summaryOf } from '../../hub/cli/summary.ts';
import { formatRows } from '../../hub/cli/table.ts';
import { events } from '../../shared/kube/resources.ts';
import { unprintable } from '../hostile/values.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { conditionOf, loadedModules, readModule, readSpokeModule, readWorks } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

type Container = NonNullable<ModuleSpec['moduleLoader']>['container'];

describe('hostile texts that get in', () => {
  let stage: Stage;
  let canary: string;
  /** White space would be refused in most of these fields; a shell needs none. */
  const touch = () => `touch$\{IFS}${canary}`;
  const node = () => stage.fleet.spoke('edge-1').node('n1');

  /** A module of its own, of a driver of its own, changed by `change`. */
  async function applyWith(name: string, change: (container: Container, spec: ModuleSpec) => void): Promise<void> {
    const spec = driverSpec(stage.fleet, `drivers/${name}`);
    change(spec.moduleLoader!.container, spec);
    await stage.apply(name, fleetSpec(spec));
  }

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] }]);
    const { fleet } = stage;
    canary = join(fleet.folder, 'canary');
    for (const module of ['nic', 'odd-name', 'odd-folder', 'odd-firmware', 'odd-labels', 'odd-words', 'late'])
      await pushDriver(fleet, { repository: `drivers/${module}`, module, kernels: [kernels.el9] });
    await pushPlugin(fleet, 'drivers/plugin', 'v1');
    await stage.apply('nic', fleetSpec(driverSpec(fleet, 'drivers/nic')));
    await stage.ready('nic');
    await applyWith('odd-name', ({ modprobe }) => {
      modprobe.moduleName = `$(${touch()})`;
    });
    await applyWith('odd-folder', ({ modprobe }) => {
      modprobe.dirName = `/opt/\`${touch()}\`/../../..`;
    });
    await applyWith('odd-firmware', ({ modprobe }) => {
      modprobe.firmwarePath = `/"$(${touch()})';${touch()}`;
    });
    await applyWith('odd-image', ({ kernelMappings }) => {
      kernelMappings[0]!.containerImage = 'registry.example/\u001b[2Jall\nis\u202ewell:1';
    });
    await applyWith('odd-labels', (_, spec) => {
      spec.selector = Object.fromEntries([
        [`$(${touch()})`, '\u001b[2J'],
        ['__proto__', '../..'],
      ]);
    });
    await applyWith('odd-words', ({ modprobe }, spec) => {
      modprobe.parameters = [`a=$(${touch()})`, `b=\`${touch()}\`;${touch()}`, 'c=\n"\'\\', 'd=%s%n'];
      const env = [{ name: `$(${touch()})`, value: 'a\u0000b' }];
      spec.devicePlugin = { container: { image: `${stage.fleet.registry.host}/drivers/plugin:v1`, env } };
    });
  });
  after(() => stage.stop());

  it('are loaded by as they are: the kernel gets them as parameters, the device plugin cannot start and is named', async () => {
    const loaded = await eventually('it was loaded', () =>
      node().kernel.history.find(({ call, name }) => call === 'insert' && name === 'odd_words'),
    );
    assert.ok(loaded.parameters.includes(`a=$(${touch()})`), loaded.parameters);
    await eventually('the plugin’s trouble is told', async () => {
      const seen = await readSpokeModule(stage.fleet, 'edge-1', 'odd-words');
      return seen?.status?.report?.includes('DevicePluginFailed');
    });
    await stage.ready('odd-words', 'False');
  });

  // What is told of each: by the hub, of the whole.
  const told: [string, RegExp][] = [
    ['odd-name', /^False LoadFailed: .*n1 ModuleNotFound: modprobe: FATAL: Module \$\(touch.* not found/],
    ['odd-folder', /^False LoadFailed: .*edge-1.*n1/],
    ['odd-firmware', /^False LoadFailed: .*edge-1.*n1/],
    ['odd-image', /^False InvalidImage: .*registry\.example/],
    ['odd-labels', /^True /],
  ];
  for (const [name, expected] of told)
    it(`${name}: is named where it fails`, () =>
      eventually(`${name} is ${expected}`, async () => {
        const seen = conditionOf(await readModule(stage.fleet, name), 'Ready');
        assert.match(seen, expected);
        return true;
      }));

  it('move no cursor: not in statuses, not in events, not in what the command line prints', async () => {
    const { client } = stage.fleet.hub;
    const modules: ManagedClusterModule[] = (await client.list(managedClusterModules)).items;
    const spokes = await Promise.all(
      modules.map(({ metadata }) => readSpokeModule(stage.fleet, 'edge-1', metadata.name)),
    );
    assert.deepEqual(unprintable([...modules, ...spokes].map((object) => object?.status ?? {})), []);
    const notes = (await client.list(events)).items.map(({ note }) => note);
    assert.ok(notes.length > 0);
    assert.deepEqual(unprintable(notes), []);
    const printed = [...formatRows(rowsOf(modules, await readWorks(stage.fleet))), ...modules.flatMap(summaryOf)];
    assert.deepEqual(unprintable(printed), []);
  });

  it('run nowhere, and hold up no other module: one is loaded after them, and one was never touched', async () => {
    await stage.apply('late', fleetSpec(driverSpec(stage.fleet, 'drivers/late')));
    await stage.ready('late');
    assert.ok(loadedModules(stage.fleet, 'edge-1', 'n1').includes('late'));
    assert.deepEqual(
      node()
        .kernel.history.filter(({ name }) => name === 'nic')
        .map(({ call }) => call),
      ['insert'],
    );
    assert.equal(existsSync(canary), false);
    assert.deepEqual(Object.keys(Object.prototype), []);
  });

  it('leave nothing behind when they are deleted', async () => {
    const names = [...told.map(([name]) => name), 'odd-words'];
    for (const name of names) await stage.remove(name);
    await eventually('their Modules are gone', async () => {
      const left = await Promise.all(names.map((name) => readSpokeModule(stage.fleet, 'edge-1', name)));
      return left.every((module) => module === undefined);
    });
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n1').sort(), ['late', 'nic']);
    assert.equal(existsSync(canary), false);
  });
});
