import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ModprobeSpec } from '@open-cluster-management/api-types';
import { type Lifeline, openLifeline } from '../control-plane/lifeline.ts';
import { orSkip } from '../debian/skip-loudly.ts';
import { isReady } from '../node/test-world.ts';
import { tarOf } from '../registry/oci-image.ts';
import { buildModules, makeKey, signed, type TestKey } from './kernel-module.ts';
import { findParts, type KernelParts, type Parts } from './packages.ts';
import { buildRealModuleImage } from './real-module-image.ts';
import { testModules } from './test-modules.ts';
import { startVmWorld, type VmWorld } from './test-world.ts';

describe('A loader pod on a node with a real kernel, under Secure Boot', function () {
  this.timeout(300_000);
  let parts: Parts;
  let kernel: KernelParts;
  let lifeline: Lifeline;
  let world: VmWorld;
  let enrolled: TestKey;
  let foreign: TestKey;
  let built: Record<keyof typeof testModules, Buffer>;

  before(async function () {
    parts = await orSkip(this, findParts);
    kernel = parts.kernels[1];
    lifeline = openLifeline('vm-node');
    enrolled = await makeKey(lifeline.folder, 'enrolled');
    foreign = await makeKey(lifeline.folder, 'foreign');
    built = await buildModules({ kernel, folder: join(lifeline.folder, 'build'), sources: testModules });
    const secure = { secureBoot: true, enrolled: [enrolled.der] };
    world = await startVmWorld({ parts, kernel, ...secure, lifeline, inTree: ['dummy'] });
  });

  after(async () => {
    await world?.stop();
    await lifeline?.end();
  });

  const shell = (script: string) => world.node.machine.shell(script);
  const loaded = async () =>
    (await shell("cut -d ' ' -f 1 /proc/modules")).split('\n').filter((name) => name in testModules);

  type ImageOptions = {
    key?: TestKey | 'none';
    files?: Partial<typeof built>;
    firmware?: Record<string, string>;
    modulesDep?: boolean;
  };

  /** Creates a loader pod for a module, out of an image of that module alone or of the files given; all signed. */
  async function createLoader(
    name: string,
    modprobe: ModprobeSpec,
    options: ImageOptions & { inTree?: string[] } = {},
  ) {
    const { key = enrolled, files, inTree, ...rest } = options;
    const moduleName = modprobe.moduleName as keyof typeof built;
    const modules: Record<string, Buffer> = {};
    for (const [file, content] of Object.entries(files ?? { [moduleName]: built[moduleName] })) {
      modules[file] = key === 'none' ? content : signed(content, key);
    }
    const image = await buildRealModuleImage({ parts, lifeline, kernel: kernel.release, modules, ...rest });
    const pushed = await world.push(name, image);
    const more = { ...(inTree && { inTree }), ...(modprobe.firmwarePath && { firmwareHostPath: '/var/lib/firmware' }) };
    await world.createLoader({ name, image: pushed, kernel: kernel.release, modprobe, ...more });
  }

  const ready = (name: string) => world.loaderUntil(name, 'is ready', isReady);
  const failed = (name: string) => world.resultOf(name, ({ result }) => result === 'Failed');

  async function unloaded(name: string) {
    const result = await world.deleteLoader(name);
    assert.deepEqual([result?.verb, result?.result], ['unload', 'Unloaded'], JSON.stringify(result));
    assert.deepEqual(await loaded(), []);
    assert.equal(await shell('ls /run/kmm'), '');
  }

  it('loads a signed module with its parameter out of an image with only modprobe and sleep, and unloads it', async () => {
    await createLoader('signed', { moduleName: 'kmm_vm_a', parameters: ['answer=42'] });
    await ready('signed');
    assert.deepEqual(await loaded(), ['kmm_vm_a']);
    assert.equal(await shell('cat /sys/module/kmm_vm_a/parameters/answer'), '42\n');
    assert.match(await shell('cat /run/kmm/default.signed'), /^phase=loaded$/m);
    await unloaded('signed');
  });

  for (const { title, key } of [
    { title: 'that is signed with a key that is not enrolled', key: () => foreign },
    { title: 'that is not signed', key: () => 'none' as const },
  ]) {
    it(`says that the node does not trust a module ${title}`, async () => {
      await createLoader('refused', { moduleName: 'kmm_vm_a' }, { key: key() });
      const { reason, message } = await failed('refused');
      assert.equal(reason, 'RequiredKeyNotAvailable');
      assert.match(message, /Key was rejected by service; the node trusts no key that signed the module/);
      await world.deleteLoader('refused');
      assert.deepEqual(await loaded(), []);
      assert.equal(await shell('ls /run/kmm'), '');
    });
  }

  it('says that an image has no modules.dep', async () => {
    await createLoader('no-dep', { moduleName: 'kmm_vm_a' }, { modulesDep: false });
    const { reason, message } = await failed('no-dep');
    assert.equal(reason, 'NoModulesDep', message);
    await world.deleteLoader('no-dep');
  });

  it('says that a module was built for another kernel', async () => {
    const folder = join(lifeline.folder, 'build-older');
    const older = await buildModules({ kernel: parts.kernels[0], folder, sources: { kmm_vm_a: testModules.kmm_vm_a } });
    await createLoader('older', { moduleName: 'kmm_vm_a' }, { files: older });
    const { reason, message } = await failed('older');
    assert.equal(reason, 'InvalidModuleFormat', message);
    await world.deleteLoader('older');
  });

  it('loads what a module needs before it, and unloads both', async () => {
    const { kmm_vm_base, kmm_vm_user } = built;
    const modprobe = { moduleName: 'kmm_vm_user', modulesLoadingOrder: ['kmm_vm_user', 'kmm_vm_base'] };
    await createLoader('order', modprobe, { files: { kmm_vm_base, kmm_vm_user } });
    await ready('order');
    // The kernel lists the newest first.
    assert.deepEqual(await loaded(), ['kmm_vm_user', 'kmm_vm_base']);
    await unloaded('order');
  });

  it('puts a module in the place of the distribution’s own', async () => {
    await shell('insmod /lib/modules/$(uname -r)/kernel/drivers/net/dummy.ko');
    assert.deepEqual(await loaded(), ['dummy']);
    await createLoader('in-tree', { moduleName: 'dummy', parameters: ['answer=7'] }, { inTree: ['dummy'] });
    await ready('in-tree');
    assert.equal(await shell('cat /sys/module/dummy/parameters/answer'), '7\n');
    await unloaded('in-tree');
  });

  it('lets the kernel find firmware out of the image, and takes it away again', async () => {
    const modprobe = { moduleName: 'kmm_vm_firmware', firmwarePath: '/firmware' };
    await createLoader('firmware', modprobe, { firmware: { 'kmm/vm.bin': 'twelve bytes' } });
    await ready('firmware');
    assert.equal(await shell('cat /sys/module/kmm_vm_firmware/parameters/length'), '12\n');
    await unloaded('firmware');
    assert.equal(await shell('ls -A /var/lib/firmware'), '');
  });

  it('keeps its module when its container dies and starts again', async () => {
    // Of loads before, the kernel tells too.
    await shell('dmesg -c > /dev/null');
    await createLoader('restarted', { moduleName: 'kmm_vm_a' });
    world.node.killContainer(await ready('restarted'), 'module-loader');
    await world.loaderUntil('restarted', 'is ready after a restart', (pod) => {
      assert.deepEqual(pod.status?.containerStatuses?.[0]?.restartCount, 1);
      return isReady(pod);
    });
    assert.equal(await shell('dmesg -c | grep -c "kmm_vm_a: started" || :'), '1\n');
    await unloaded('restarted');
  });

  it('tells that a module in use was not unloaded, and what uses it', async () => {
    await createLoader('in-use', { moduleName: 'kmm_vm_base' });
    await ready('in-use');
    const content = signed(built.kmm_vm_user, enrolled);
    await world.node.machine.unpack(await tarOf([{ path: 'user.ko', content }]), '/tmp');
    await shell('insmod /tmp/user.ko');
    const result = await world.deleteLoader('in-use');
    assert.deepEqual([result?.verb, result?.result, result?.reason], ['unload', 'Failed', 'ModuleInUse']);
    assert.deepEqual(result?.holders, ['kmm_vm_user']);
    assert.deepEqual(await loaded(), ['kmm_vm_user', 'kmm_vm_base']);
    await shell('rmmod kmm_vm_user kmm_vm_base && rm /run/kmm/*');
  });

  it('touches nothing after a reboot into another kernel, and loads again after one back', async () => {
    await createLoader('rebooted', { moduleName: 'kmm_vm_a' });
    await ready('rebooted');
    await world.node.reboot(parts.kernels[0]);
    const { reason } = await world.resultOf('rebooted', ({ verb, result }) => verb === 'run' && result === 'Failed');
    assert.equal(reason, 'OtherKernel');
    assert.deepEqual(await loaded(), []);
    await world.node.reboot(kernel);
    await ready('rebooted');
    assert.deepEqual(await loaded(), ['kmm_vm_a']);
    await unloaded('rebooted');
  });
});
