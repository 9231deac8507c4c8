import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Lifeline, openLifeline } from '../control-plane/lifeline.ts';
import { isReady } from '../node/test-world.ts';
import { buildModules, makeKey, signWithKernelsOwn, type TestKey } from './kernel-module.ts';
import type { KernelParts, Parts } from './packages.ts';
import { buildRealModuleImage } from './real-module-image.ts';
import { parameterModule } from './test-modules.ts';
import { startVmWorld, type VmWorld } from './test-world.ts';
import { partsOrSkip } from './with-parts.ts';

describe('A loader pod on a node with a real kernel, under Secure Boot', function () {
  this.timeout(300_000);
  let parts: Parts;
  let kernel: KernelParts;
  let lifeline: Lifeline;
  let world: VmWorld;
  let enrolled: TestKey;
  let modules: Record<'kmm_vm_a', Buffer>;

  before(async function () {
    parts = await partsOrSkip(this);
    kernel = parts.kernels[1];
    lifeline = openLifeline('vm-node');
    enrolled = await makeKey(lifeline.folder, 'enrolled');
    const folder = join(lifeline.folder, 'build');
    modules = await buildModules({ kernel, folder, sources: { kmm_vm_a: parameterModule } });
    world = await startVmWorld({
      parts,
      kernel,
      secureBoot: true,
      enrolled: [enrolled.der],
      lifeline,
      inTree: ['dummy'],
    });
  });

  after(async () => {
    await world?.stop();
    await lifeline?.end();
  });

  const procModules = () => world.node.machine.shell('cat /proc/modules');

  async function pushModules(repository: string, key: TestKey | undefined): Promise<string> {
    const signed = key ? await signWithKernelsOwn(parts, modules.kmm_vm_a, key) : modules.kmm_vm_a;
    const image = { parts, lifeline, kernel: kernel.release, modules: { kmm_vm_a: signed } };
    return world.push(repository, await buildRealModuleImage(image));
  }

  it('loads a signed module with its parameter out of an image with only modprobe and sleep, and unloads it', async () => {
    const image = await pushModules('signed', enrolled);
    const modprobe = { moduleName: 'kmm_vm_a', parameters: ['answer=42'] };
    await world.createLoader({ name: 'signed', image, kernel: kernel.release, modprobe });
    await world.loaderUntil('signed', 'is ready', isReady);
    assert.match(await procModules(), /^kmm_vm_a /m);
    assert.equal(await world.node.machine.shell('cat /sys/module/kmm_vm_a/parameters/answer'), '42\n');
    assert.match(await world.node.machine.shell('cat /run/kmm/default.signed'), /^phase=loaded$/m);
    const result = await world.deleteLoader('signed');
    assert.deepEqual([result?.verb, result?.result], ['unload', 'Unloaded'], JSON.stringify(result));
    assert.doesNotMatch(await procModules(), /^kmm_vm_a /m);
    assert.equal(await world.node.machine.shell('ls /run/kmm'), '');
  });
});
