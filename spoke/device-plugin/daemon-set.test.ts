import assert from 'node:assert/strict';
import type { DevicePlugin, Module } from '@open-cluster-management/api-types';
import { labels } from '../../shared/kube/names.ts';
import { buildLoader, buildModule, buildNode, settings } from '../testing/builders.ts';
import { look, ready } from '../testing/picture.ts';
import { devicePluginDaemonSet } from './daemon-set.ts';

const minimal = { container: { image: 'example.com/plugin:1' } } as DevicePlugin;

function specOf(
  devicePlugin: DevicePlugin,
  rest: Partial<Module['spec']> = {},
  metadata: Partial<Module['metadata']> = {},
) {
  const module = buildModule({ devicePlugin, ...rest }, metadata);
  const daemonSet = devicePluginDaemonSet({ module, behindLoader: true, settings });
  assert.ok(daemonSet);
  const spec = daemonSet.spec.template.spec!;
  return { daemonSet, spec, main: spec.containers[0]! };
}

describe('the device plugin', () => {
  it('is one DaemonSet, on nodes of the selector where the module is loaded [95] [96]', () => {
    const { daemonSet, spec } = specOf(minimal);
    assert.equal(daemonSet.metadata.name, 'simple-device-plugin');
    assert.deepEqual(daemonSet.metadata.labels, { [labels.moduleName]: 'simple', [labels.role]: 'device-plugin' });
    assert.deepEqual(spec.nodeSelector, { worker: '', [ready]: '' });
    assert.equal(devicePluginDaemonSet({ module: buildModule(), behindLoader: true, settings }), undefined);
  });

  it('runs privileged, with kubelet’s folder and with image, environment and volumes of the spec [97]', () => {
    const devicePlugin = {
      container: {
        ...minimal.container,
        env: [{ name: 'A', value: 'b' }],
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
      volumes: [{ name: 'data', hostPath: { path: '/opt/data' } }],
    } as DevicePlugin;
    const { main, spec } = specOf(devicePlugin);
    assert.equal(main.name, 'device-plugin');
    assert.equal(main.image, 'example.com/plugin:1');
    assert.deepEqual(main.securityContext, { privileged: true });
    assert.deepEqual(main.env, [{ name: 'A', value: 'b' }]);
    assert.deepEqual(main.volumeMounts, [
      { name: 'data', mountPath: '/data' },
      { name: 'kubelet-device-plugins', mountPath: '/var/lib/kubelet/device-plugins' },
    ]);
    assert.deepEqual(spec.volumes, [
      { name: 'kubelet-device-plugins', hostPath: { path: '/var/lib/kubelet/device-plugins' } },
      { name: 'data', hostPath: { path: '/opt/data' } },
    ]);
    assert.equal(spec.priorityClassName, 'system-node-critical');
  });

  it('takes the rest of the spec too: init container, command, resources, token [98]', () => {
    const devicePlugin = {
      container: {
        ...minimal.container,
        command: ['/run'],
        args: ['-v'],
        resources: { limits: { cpu: '1' } },
        imagePullPolicy: 'Never',
      },
      initContainer: { image: 'example.com/init:1', command: ['/prepare'] },
      automountServiceAccountToken: false,
    } as DevicePlugin;
    const { main, spec } = specOf(devicePlugin);
    assert.deepEqual([main.command, main.args, main.imagePullPolicy], [['/run'], ['-v'], 'Never']);
    assert.deepEqual(main.resources, { limits: { cpu: '1' } });
    assert.equal(spec.automountServiceAccountToken, false);
    assert.deepEqual(spec.initContainers, [
      {
        name: 'device-plugin-init',
        image: 'example.com/init:1',
        command: ['/prepare'],
        securityContext: { privileged: true },
      },
    ]);
  });

  it('uses pull secret, tolerations and service account [48] [133] [134]', () => {
    const tolerations = [{ key: 'gpu', operator: 'Exists' }];
    const { spec } = specOf(
      { ...minimal, serviceAccountName: 'own' },
      { imageRepoSecret: { name: 'pull' }, tolerations },
    );
    assert.deepEqual(spec.imagePullSecrets, [{ name: 'pull' }]);
    assert.deepEqual(spec.tolerations, tolerations);
    assert.equal(spec.serviceAccountName, 'own');
    assert.equal(
      specOf(minimal, {}, { namespace: 'openshift-kmm' }).spec.serviceAccountName,
      'kmm-operator-device-plugin',
    );
    assert.equal(specOf(minimal).spec.serviceAccountName, undefined);
  });

  it('follows the selector alone without a loader, and only when no loader is left to be unloaded [51]', () => {
    const { moduleLoader: _, ...spec } = buildModule({ devicePlugin: minimal }).spec;
    const module = { ...buildModule(), spec };
    const selectorOf = (pods: Parameters<typeof look>[0]['pods']) =>
      look({ module, nodes: [buildNode('n1')], pods: pods! }).plugin.daemonSet?.spec.template.spec?.nodeSelector;
    assert.deepEqual(selectorOf([]), { worker: '' });
    assert.deepEqual(selectorOf([buildLoader('n1')]), { worker: '', [ready]: '' });
  });

  it('goes with its section and with the Module [101]', () => {
    const { daemonSet } = specOf(minimal);
    const owner = {
      apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
      kind: 'Module',
      name: 'simple',
      uid: 'module-uid',
      controller: true,
    };
    const present = { ...daemonSet, metadata: { ...daemonSet.metadata, ownerReferences: [owner] } };
    const discarded = (module: Module) => look({ module, daemonSets: [present] }).plugin.discard.length;
    assert.equal(discarded(buildModule({ devicePlugin: minimal })), 0);
    assert.equal(discarded(buildModule()), 1);
    assert.equal(discarded(buildModule({ devicePlugin: minimal }, { deletionTimestamp: '2026-01-01T00:00:00Z' })), 1);
  });
});
