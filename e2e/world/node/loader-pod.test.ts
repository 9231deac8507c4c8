import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { Module } from '@open-cluster-management/api-types';
import { labels } from '../../../shared/kube/names.ts';
import { pods } from '../../../shared/kube/resources.ts';
import { workerSchema } from '../../../spoke/config.ts';
import { type Loader, loaderTemplate } from '../../../spoke/module-loader/loader-pod.ts';
import { eventually } from '../eventually.ts';
import { koFile, vermagicOf } from '../kernel/ko.ts';
import { buildModuleImage } from '../registry/module-image.ts';
import { buildToolsImage } from '../registry/tools-image.ts';
import { isReady, namespace, startTestWorld, type TestWorld } from './test-world.ts';

const kernel = '5.14.0-1.el9.x86_64';

describe('The loader pod on the node stand-in', () => {
  let world: TestWorld;
  let loader: Loader;

  before(async () => {
    world = await startTestWorld({ labels: { [labels.kernelVersion]: kernel }, kernel: { release: kernel } });
    const modules = { [kernel]: { 'simple_kmod.ko': koFile({ name: 'simple_kmod', vermagic: vermagicOf(kernel) }) } };
    const containerImage = await world.pushImage('module', await buildModuleImage({ kernels: modules }));
    const module = {
      apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
      kind: 'Module',
      metadata: { name: 'simple', namespace },
      spec: { moduleLoader: { container: { modprobe: { moduleName: 'simple_kmod' } } }, selector: {} },
    } as unknown as Module;
    const toolsImage = await world.pushImage('tools', await buildToolsImage());
    const registryTLS = { insecure: false, insecureSkipTLSVerify: false };
    loader = {
      module,
      mapping: { kernelVersion: kernel, containerImage, inTreeModulesToRemove: [], registryTLS, index: 0 },
      settings: { toolsImage, operatorNamespace: 'kmm', worker: workerSchema.parse({}) },
    };
  });

  after(() => world.stop());

  const createPod = async () => {
    const { metadata, spec } = loaderTemplate(loader);
    const { serviceAccountName: _, imagePullSecrets: __, ...rest } = spec!;
    return world.createPod(rest, { ...(metadata as object), name: 'loader' });
  };
  const letGo = async () => {
    const body = { metadata: { finalizers: null } };
    await world.client.patch(pods, { namespace, name: 'loader' }, { type: 'merge', body });
    await eventually('the pod is gone', async () => (await world.readPod('loader')) === undefined);
  };

  it('loads the module with the real script, and unloads it when it is deleted', async () => {
    await createPod();
    const ready = await world.podUntil('loader', 'is ready', isReady);
    assert.equal(world.node.kernel.isLoaded('simple_kmod'), true, world.node.logs(ready, 'module-loader').output);
    assert.equal(existsSync(`${world.node.hostRoot}/run/kmm/${namespace}.simple`), true);
    await world.client.delete(pods, { namespace, name: 'loader' });
    const ended = await world.podUntil('loader', 'has ended', (pod) =>
      Boolean(pod.status?.containerStatuses?.[0]?.state?.terminated),
    );
    const result = JSON.parse(ended.status?.containerStatuses?.[0]?.state?.terminated?.message ?? '{}');
    assert.equal(result.result, 'Unloaded', JSON.stringify(result));
    assert.equal(result.boot, world.node.kernel.bootId);
    assert.equal(world.node.kernel.isLoaded('simple_kmod'), false);
    await letGo();
  });

  it('tells that a module in use was not unloaded, and who uses it', async () => {
    await createPod();
    await world.podUntil('loader', 'is ready', isReady);
    await world.node.kernel.hold('simple_kmod');
    await world.client.delete(pods, { namespace, name: 'loader' });
    const ended = await world.podUntil('loader', 'has ended', (pod) =>
      Boolean(pod.status?.containerStatuses?.[0]?.state?.terminated),
    );
    const result = JSON.parse(ended.status?.containerStatuses?.[0]?.state?.terminated?.message ?? '{}');
    assert.deepEqual([result.verb, result.result, result.reason], ['unload', 'Failed', 'ModuleInUse']);
    assert.equal(world.node.kernel.isLoaded('simple_kmod'), true);
    await letGo();
  });

  it('starts again after a reboot into another kernel, and refuses to load there', async () => {
    await world.node.kernel.releaseHold('simple_kmod').catch(() => undefined);
    await world.node.reboot();
    await createPod();
    await world.podUntil('loader', 'is ready', isReady);
    await world.node.reboot({ kernel: { release: '5.14.0-2.el9.x86_64' } });
    const failed = await world.podUntil('loader', 'fails', (pod) => {
      const { state, lastState } = pod.status?.containerStatuses?.[0] ?? {};
      return Boolean((state?.terminated ?? lastState?.terminated)?.message?.includes('OtherKernel'));
    });
    assert.equal(isReady(failed), false);
    assert.equal(world.node.kernel.isLoaded('simple_kmod'), false);
    await world.client.delete(pods, { namespace, name: 'loader' });
    await letGo();
  });
});
