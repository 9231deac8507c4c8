import assert from 'node:assert/strict';
import type { Module } from '@open-cluster-management/api-types';
import { buildJob } from '../../shared/build/build-job.ts';
import { signJob } from '../../shared/build/sign-job.ts';
import { buildRequest, signRequest } from '../../shared/build/testing/requests.ts';
import { labels } from '../../shared/kube/names.ts';
import type { NetworkPolicy, Pod } from '../../shared/kube/object.ts';
import { moduleIndex, podIndexes } from '../indexes.ts';
import { loaderDaemonSet } from '../module-loader/daemon-set.ts';
import { unloadPod } from '../module-loader/unload-pod.ts';
import { buildLoader, buildModule } from '../testing/builders.ts';
import { view } from '../testing/model-api.ts';
import { loaderOf, look } from '../testing/picture.ts';
import { decide } from './decide.ts';
import { gather } from './gather.ts';
import { policyFor } from './policies.ts';

const devicePlugin = { container: { image: 'example.com/plugin:1' } };
const complete = buildModule({ devicePlugin });
const { moduleLoader: _, ...withoutLoader } = complete.spec;
const pluginOnly = { ...complete, spec: withoutLoader } as Module;
const owner = {
  apiVersion: complete.apiVersion,
  kind: 'Module',
  name: 'simple',
  uid: 'module-uid',
  controller: true,
};

function owned(audience: Parameters<typeof policyFor>[1]): NetworkPolicy {
  const policy = policyFor(complete, audience);
  return { ...policy, metadata: { ...policy.metadata, uid: audience, ownerReferences: [owner] } };
}

function decided(module: Module | undefined, policies: NetworkPolicy[] = [], pods: Pod[] = []) {
  const sources = {
    modules: view(module === undefined ? [] : [module], {}),
    pods: view(pods, podIndexes),
    policies: view(policies, moduleIndex),
  };
  const { wanted, surplus } = decide(gather(sources, 'modules/simple'));
  const names = (list: readonly NetworkPolicy[]) => list.map(({ metadata }) => metadata.name);
  return { wanted: names(wanted), surplus: names(surplus) };
}

/** The policies of `module` that select a pod with these labels, as Kubernetes reads a selector. */
function selecting(on: Record<string, string> | undefined): string[] {
  return (['loader', 'unload', 'device-plugin', 'image'] as const).filter((audience) => {
    const { matchLabels = {}, matchExpressions = [] } = policyFor(complete, audience).spec?.podSelector ?? {};
    return (
      Object.entries(matchLabels).every(([key, value]) => on?.[key] === value) &&
      matchExpressions.every(({ key, operator }) => (on?.[key] !== undefined) === (operator === 'Exists'))
    );
  });
}

const ofModule = { name: 'simple', label: labels.moduleName };

describe('the network policies of a Module', () => {
  it('close loaders and their one-shot pods both ways, and a device plugin to callers only [139]', () => {
    const specOf = (audience: Parameters<typeof policyFor>[1]) => {
      const { podSelector: _, ...rest } = policyFor(complete, audience).spec ?? {};
      return rest;
    };
    assert.deepEqual(specOf('loader'), { policyTypes: ['Ingress', 'Egress'] });
    assert.deepEqual(specOf('unload'), { policyTypes: ['Ingress', 'Egress'] });
    assert.deepEqual(specOf('device-plugin'), { policyTypes: ['Ingress'] });
    assert.deepEqual(specOf('image'), { policyTypes: ['Ingress'] }, 'a build talks to registries');
  });

  it('select each of our pods once, and no other pod: not of another Module, not by a common label [139]', () => {
    const plugin = look({ module: complete }).plugin.final;
    assert.deepEqual(selecting(loaderDaemonSet(loaderOf()).spec.template.metadata?.labels), ['loader']);
    assert.deepEqual(selecting(unloadPod(buildLoader('n1')).metadata.labels), ['unload']);
    assert.deepEqual(selecting(plugin?.spec.template.metadata?.labels), ['device-plugin']);
    for (const made of [buildJob(buildRequest({ module: ofModule })), signJob(signRequest({ module: ofModule }))]) {
      assert.ok(made.kind === 'object');
      assert.deepEqual(selecting(made.object.spec.template.metadata?.labels), ['image']);
    }
    const module = 'kmm.node.kubernetes.io/module.name';
    const others: Record<string, string>[] = [
      { 'app.kubernetes.io/component': 'worker' },
      { 'app.kubernetes.io/component': 'device-plugin' },
      { [module]: 'simple' },
      { [module]: 'simple', 'kmm.node.kubernetes.io/role': 'build' },
      { [module]: 'other', 'kmm.node.kubernetes.io/role': 'device-plugin' },
      { [module]: 'other', 'kmm.node.kubernetes.io/kernel-version.full': '6.1.0' },
    ];
    for (const other of others) assert.deepEqual(selecting(other), [], JSON.stringify(other));
  });

  it('come and go with their sections [139]', () => {
    assert.deepEqual(decided(complete).wanted, ['simple-loader', 'simple-unload', 'simple-device-plugin']);
    assert.deepEqual(decided(buildModule()).wanted, ['simple-loader', 'simple-unload']);
    const made = buildModule();
    made.spec.moduleLoader!.container.build = { dockerfileConfigMap: { name: 'dockerfile' } };
    assert.deepEqual(decided(made).wanted, ['simple-loader', 'simple-unload', 'simple-image']);
    const all = [owned('loader'), owned('unload'), owned('device-plugin')];
    assert.deepEqual(decided(buildModule(), all).surplus, ['simple-device-plugin']);
    assert.deepEqual(decided(pluginOnly, all), {
      wanted: ['simple-device-plugin'],
      surplus: ['simple-loader', 'simple-unload'],
    });
  });

  it('stay as long as a loader is there that the spec no longer asks for', () => {
    const { wanted, surplus } = decided(pluginOnly, [owned('loader')], [buildLoader('n1')]);
    assert.deepEqual([wanted.length, surplus.length], [3, 0]);
  });

  it('are left to the garbage collector when the Module goes, and are none for one that is refused', () => {
    const all = [owned('loader'), owned('unload'), owned('device-plugin')];
    const leaving = buildModule({}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    assert.deepEqual(decided(leaving, all), { wanted: [], surplus: [] });
    assert.deepEqual(decided(undefined, all), { wanted: [], surplus: [] });
    const long = buildModule({ devicePlugin }, { name: 'm'.repeat(41) });
    assert.deepEqual(decide({ module: long, own: [], hasLoaders: false }).wanted, []);
  });

  it('take none away that somebody else made, with our label on it or not', () => {
    const foreign = { ...policyFor(buildModule(), 'device-plugin') };
    const adopted = { ...owned('device-plugin') };
    adopted.metadata = { ...adopted.metadata, ownerReferences: [{ ...owner, uid: 'another', name: 'another' }] };
    assert.deepEqual(decided(buildModule(), [foreign, adopted]).surplus, []);
  });
});
