import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { managedClusterModules, modules } from '@open-cluster-management/api-types';
import { parse } from 'yaml';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import type { KubeObject, Node, Resource } from '../../shared/kube/object.ts';
import { configMaps, nodes, secrets } from '../../shared/kube/resources.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { firmwareHostPathDefault } from '../../spoke/settings.ts';
import { applyDefinitions } from '../world/api-server/definitions.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from '../world/fleet/plane.ts';
import { machineConfigPools, machineConfigs, machineDefinitions } from '../world/openshift/machine-definitions.ts';

const folder = new URL('../../deploy/samples/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const machines = [machineConfigPools, machineConfigs];
const kinds = [managedClusterModules, modules, configMaps, secrets, ...machines] as unknown as Resource<KubeObject>[];

describe('the samples', () => {
  let plane: Plane;
  before(async () => {
    const runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
    plane = await startPlane({ name: 'hub', runtime, role: 'hub' });
    for (const name of ['kmm-modules', 'openshift-kmm-hub']) await plane.createNamespace(name);
    await applyDefinitions(plane.client, machineDefinitions());
    for (const each of machines as unknown as Resource<KubeObject>[]) {
      await eventually(`${each.plural} are served`, () => plane.client.list(each).then(() => true));
    }
  });
  after(() => plane?.stop());

  for (const name of files) {
    it(`${name} is taken by an API server as it stands [217]`, async () => {
      const sample = parse(readFileSync(new URL(name, folder), 'utf8')) as KubeObject;
      const kind = kinds.find((each) => each.kind === sample.kind);
      assert.ok(kind, `expected a kind that samples have, got ${sample.kind}`);
      await plane.client.create(kind, sample);
      const { name: named, namespace } = sample.metadata;
      const kept = await plane.client.get(kind, { name: named, namespace });
      // Beside what it says there are only defaults: nothing of it was dropped.
      assert.partialDeepStrictEqual(kept, sample);
    });
  }

  it('are all told of, with what each of them shows', () => {
    const readme = readFileSync(new URL('README.md', folder), 'utf8');
    const told = [...readme.matchAll(/^\| `([\w-]+\.yaml)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(told.toSorted(), files.toSorted());
  });

  describe('of a MachineConfigPool and of firmware', () => {
    const only = async <T extends KubeObject>(resource: Resource<T>): Promise<T> => {
      const { items } = await plane.client.list(resource);
      assert.equal(items.length, 1);
      return items[0]!;
    };

    it('name by labels the MachineConfig, and the nodes that have the role [217] [223]', async () => {
      const { machineConfigSelector, nodeSelector } = (await only(machineConfigPools)).spec;
      const expressions = machineConfigSelector.matchExpressions ?? [];
      assert.deepEqual(
        expressions.map(({ operator }) => operator),
        ['In'],
      );
      const wanted = expressions.map(({ key, values = [] }) => `${key} in (${values.join(',')})`).join();
      const selected = await plane.client.list(machineConfigs, { labelSelector: wanted });
      assert.deepEqual(
        selected.items.map(({ metadata }) => metadata.name),
        [(await only(machineConfigs)).metadata.name],
      );
      for (const [name, role] of [
        ['one', 'sfc'],
        ['two', 'worker'],
      ]) {
        const labels = { [`node-role.kubernetes.io/${role}`]: '' };
        await plane.client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: name!, labels } } as Node);
      }
      const labelSelector = Object.entries(nodeSelector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
      const { items } = await plane.client.list(nodes, { labelSelector: labelSelector.join() });
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ['one'],
      );
    });

    it('have the kernel look where loaders put firmware unless another folder is said [59] [217] [223]', async () => {
      const { kernelArguments } = (await only(machineConfigs)).spec;
      assert.deepEqual(kernelArguments, [`firmware_class.path=${firmwareHostPathDefault}`]);
    });
  });
});
