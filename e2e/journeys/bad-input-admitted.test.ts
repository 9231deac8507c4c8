import assert from 'node:assert/strict';
import type { ManagedClusterModuleSpec } from '@open-cluster-management/api-types';
import { definitions } from '../world/api-server/definitions.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { conditionOf, loadedModules, readModule, readWork, readWorks } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

describe('bad input that got in all the same', () => {
  let stage: Stage;
  const isLoaded = () => loadedModules(stage.fleet, 'edge-1', 'n1').includes('nic');
  const history = () =>
    stage.fleet
      .spoke('edge-1')
      .node('n1')
      .kernel.history.map(({ call, name }) => `${call} ${name}`);
  const image = () => `${stage.fleet.registry.host}/drivers/nic:\${KERNEL_FULL_VERSION}`;
  const editMappings = (...kernelMappings: unknown[]) =>
    stage.edit('nic', { moduleSpec: { moduleLoader: { container: { kernelMappings } } } });

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] }]);
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
    await stage.apply('nic', fleetSpec(driverSpec(stage.fleet, 'drivers/nic')));
    await stage.ready('nic');
  });
  after(() => stage.stop());

  it('a regexp that is none: InvalidSpec with the field, and the last good state stays [118]', async () => {
    const before = await readWork(stage.fleet, 'edge-1', 'nic');
    await editMappings({ regexp: '^.+\\el9\\.x86_64$', containerImage: image() });
    const object = await stage.ready('nic', 'False InvalidSpec');
    const ready = conditionOf(object, 'Ready');
    assert.match(ready, /spec\.moduleSpec\.moduleLoader\.container\.kernelMappings\[0\]\.regexp: expected an RE2/);
    assert.match(ready, /was \\\.e meant\?/);
    assert.deepEqual((await readWork(stage.fleet, 'edge-1', 'nic'))?.spec, before?.spec);
    assert.ok(isLoaded());
  });

  it('what an older definition lets in: every problem is listed, and the last good state stays [117] [119] [120]', async () => {
    const { client } = stage.fleet.hub;
    const name = 'managedclustermodules.hub.kmm.sigs.x-k8s.io';
    const value = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const at = '/spec/versions/0/schema/openAPIV3Schema/properties/spec';
    await client.patch(definitions, { name }, { type: 'json', operations: [{ op: 'replace', path: at, value }] });
    const before = await readWork(stage.fleet, 'edge-1', 'nic');
    // A server goes by a changed definition only some moments later.
    await eventually('the definition lets it in', async () => {
      await editMappings(
        { literal: 'a', regexp: 'b', containerImage: 'i:1' },
        { regexp: '(' },
        { literal: 'c', containerImage: 'registry.example/i' },
      );
      return true;
    });
    const object = await eventually('all of it is listed', async () => {
      const seen = await readModule(stage.fleet, 'nic');
      return conditionOf(seen, 'Ready').includes('kernelMappings[2]') ? seen : undefined;
    });
    const ready = conditionOf(object, 'Ready');
    for (const part of [
      'kernelMappings[0]: expected exactly one of literal and regexp, got both',
      'kernelMappings[1].regexp: expected an RE2',
      'kernelMappings[1].containerImage: expected an image',
      'kernelMappings[2].containerImage: expected a tag or a digest',
    ])
      assert.ok(ready.includes(part), `${part} in ${ready}`);
    assert.deepEqual((await readWork(stage.fleet, 'edge-1', 'nic'))?.spec, before?.spec);
    assert.ok(isLoaded());
  });

  it('objects that are nonsense ship nothing, are told so, and disturb nobody', async () => {
    const nonsense: Record<string, unknown> = {
      empty: {},
      'wrong-types': { selector: 7, spokeNamespace: ['a'], moduleSpec: { selector: 'b', moduleLoader: [] } },
      'hostile-namespace': {
        ...fleetSpec(driverSpec(stage.fleet, 'drivers/nic')),
        spokeNamespace: '../../kube-system',
      },
    };
    for (const [name, spec] of Object.entries(nonsense)) await stage.apply(name, spec as ManagedClusterModuleSpec);
    for (const name of Object.keys(nonsense)) await stage.ready(name, 'False InvalidSpec');
    assert.match(
      conditionOf(await readModule(stage.fleet, 'wrong-types'), 'Ready'),
      /spec\.selector.*spec\.spokeNamespace/,
    );
    assert.deepEqual(
      (await readWorks(stage.fleet)).map(({ metadata }) => metadata.name),
      ['nic'],
    );
  });

  it('once it is right again, it is Ready, and nothing was loaded anew', async () => {
    await editMappings({ regexp: '^.+$', containerImage: image() });
    await stage.ready('nic');
    assert.deepEqual(history(), ['insert nic']);
  });

  it('an expression that can never match: named, and the rest is served [216] [217]', async () => {
    await editMappings(
      { regexp: '^.+\\fc37\\.x86_64$', containerImage: image() },
      { regexp: '^.+$', containerImage: image() },
    );
    const object = await stage.ready('nic');
    assert.match(
      conditionOf(object, 'Degraded'),
      /^True RegexpNeverMatches: .*kernelMappings\[0\]\.regexp: .*was \\\.f meant/,
    );
    assert.ok(isLoaded());
  });

  it('hostile parameters reach the kernel as they are, and nobody else', async () => {
    const parameters = ['a=$(reboot)', 'b=`id`;rm', `c='\\`, 'd=$HOME|&>x'];
    await stage.edit('nic', { moduleSpec: { moduleLoader: { container: { modprobe: { parameters } } } } });
    const seen = await eventually('it was loaded with them', () =>
      stage.fleet
        .spoke('edge-1')
        .node('n1')
        .kernel.history.filter(({ call }) => call === 'insert')
        .find((each) => each.parameters !== ''),
    );
    for (const parameter of parameters) assert.ok(seen.parameters.includes(parameter), seen.parameters);
    await stage.ready('nic');
  });
});
