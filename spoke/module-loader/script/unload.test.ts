import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { eventually } from '../../../e2e/world/eventually.ts';
import { ScriptHost, shellsOfThisMachine } from '../../../e2e/world/kernel/script-host.ts';

const release = '5.14.0-427.el9.x86_64';
const a = { modules: [{ name: 'kmm_ci_a' }] };
const withFirmware = { ...a, firmware: { 'vendor/chip/fw.bin': 'one', 'vendor/common.bin': 'two' } };

for (const shell of shellsOfThisMachine()) {
  describe(`the loader script, unload, under ${shell.name}`, () => {
    let host: ScriptHost;
    const firmware = async () => (await readdir(host.path('var/lib/firmware'), { recursive: true })).sort();
    const removals = () => host.kernel.history.filter(({ call }) => call === 'remove').length;
    beforeEach(async () => {
      host = await ScriptHost.start(shell, { release }, Math.random);
    });
    afterEach(() => host.stop());

    it('calls modprobe -r in the image and forgets the marker [25]', async () => {
      const image = await host.image(a);
      const container = await host.load(image, {});
      const { code, log, result } = await host.call(image, 'unload', {});
      assert.deepEqual([code, result?.result, result?.verb], [0, 'Unloaded', 'unload']);
      assert.match(log, /^modprobe -rv -d \/opt kmm_ci_a\nrmmod kmm_ci_a\n/);
      assert.deepEqual([host.kernel.modules(), await readdir(host.path('run/kmm'))], [[], []]);
      const end = await container.kill('SIGTERM');
      assert.deepEqual([end.code, end.result?.verb], [0, 'unload'], 'the ended container tells how the unload went');
    });

    it('tells by a look, without the module image, whether there is anything to unload', async () => {
      const image = await host.image(a);
      const bare = await host.image({ modules: [], modprobe: false });
      assert.equal((await host.call(bare, 'look', {})).result?.result, 'NothingToDo');
      await host.load(image, {});
      assert.deepEqual(
        [(await host.call(bare, 'look', {})).result?.result, host.kernel.isLoaded('kmm_ci_a')],
        ['Held', true],
      );
      assert.equal((await host.call(bare, 'look', { hash: 'another' })).result?.result, 'Held');
      await host.call(image, 'unload', {});
      assert.equal((await host.call(bare, 'look', {})).result?.result, 'NothingToDo');
    });

    it('takes only firmware that no other Module has shipped, and folders that are empty then [57]', async () => {
      const image = await host.image(withFirmware);
      const other = await host.image({ modules: [{ name: 'other' }], firmware: { 'vendor/common.bin': 'two' } });
      await writeFile(host.path('var/lib/firmware/host.bin'), 'of the host');
      await host.load(image, { firmware: '/firmware' });
      await host.load(other, { module: 'ns.other', moduleName: 'other', firmware: '/firmware' });
      await host.call(image, 'unload', { firmware: '/firmware' });
      assert.deepEqual(await firmware(), ['host.bin', 'vendor', 'vendor/common.bin']);
      await host.call(other, 'unload', { module: 'ns.other', moduleName: 'other', firmware: '/firmware' });
      assert.deepEqual(await firmware(), ['host.bin']);
    });

    it('takes firmware before modprobe -r, and puts it back when that fails [57]', async () => {
      const image = await host.image(withFirmware);
      await host.load(image, { firmware: '/firmware' });
      const before = await firmware();
      const go = host.kernel.pause();
      const unloading = await host.start(image, 'unload', { firmware: '/firmware' });
      await unloading.logged('modprobe -rv');
      assert.deepEqual(
        (await firmware()).filter((path) => path.startsWith('vendor')),
        [],
      );
      await host.kernel.hold('kmm_ci_a');
      go();
      const { result } = await unloading.ended;
      assert.equal(result?.reason, 'ModuleInUse');
      assert.deepEqual(await firmware(), before);
      assert.equal(await readFile(host.path('var/lib/firmware/vendor/chip/fw.bin'), 'utf8'), 'one');
      assert.equal((await host.call(image, 'ready', {})).code, 0);
    });

    it('leaves a module in use as it is and names its users after 60 s of trying [206]', async () => {
      const image = await host.image({
        ...withFirmware,
        modules: [{ name: 'kmm_ci_a' }, { name: 'user', depends: ['kmm_ci_a'] }],
      });
      await host.load(image, { firmware: '/firmware' });
      await host.load(image, { module: 'ns.user', moduleName: 'user' });
      await host.kernel.hold('kmm_ci_a');
      const before = await firmware();
      const { code, result } = await host.call(image, 'unload', { firmware: '/firmware' });
      assert.deepEqual([code, result?.result, result?.reason, result?.holders], [1, 'Failed', 'ModuleInUse', ['user']]);
      assert.match(result?.message ?? '', /kmm_ci_a is in use: use count 2, modules that use it: user/);
      assert.deepEqual((await host.sleeps()).filter((seconds) => seconds === '2').length, 30);
      assert.deepEqual([removals(), await firmware()], [0, before]);
    });

    it('goes on as soon as the module is free, and keeps no lock while it waits', async () => {
      const image = await host.image(a);
      await host.load(image, {});
      await host.kernel.hold('kmm_ci_a');
      const gate = await host.gate(2);
      const unloading = await host.start(image, 'unload', {});
      // Between two tries, at the gate: during a try the lock is rightly held, and the other load would wait at the gate too.
      await eventually('the unload waits', async () => (await host.sleeps()).includes('2'));
      await host.load(await host.image({ modules: [{ name: 'other' }] }), { module: 'ns.other', moduleName: 'other' });
      await host.kernel.releaseHold('kmm_ci_a');
      await gate.tick();
      assert.equal((await unloading.ended).result?.result, 'Unloaded');
    });

    it('does not count the use of one module of the order by another', async () => {
      const image = await host.image({ modules: [{ name: 'kmm_ci_a', depends: ['kmm_ci_b'] }, { name: 'kmm_ci_b' }] });
      const spec = { order: ['kmm-ci-a', 'kmm-ci-b'] };
      await host.load(image, spec);
      assert.equal((await host.call(image, 'unload', spec)).result?.result, 'Unloaded');
      assert.deepEqual(host.kernel.modules(), []);
    });

    it('has nothing to do without a marker, also when the module is in the kernel', async () => {
      const image = await host.image(a);
      await host.kernel.forceLoad('kmm_ci_a');
      const { code, result } = await host.call(image, 'unload', {});
      assert.deepEqual([code, result?.result, result?.boot], [0, 'NothingToDo', host.kernel.bootId]);
      assert.equal(removals(), 0);
    });

    it('touches only what its own load hash has loaded; unload-any takes any of this Module', async () => {
      const image = await host.image(a);
      await host.load(image, { hash: 'bbbb' });
      assert.equal((await host.call(image, 'unload', { hash: 'aaaa' })).result?.result, 'NothingToDo');
      assert.equal(
        (await host.call(image, 'unload-any', { hash: 'aaaa', module: 'ns.other' })).result?.result,
        'NothingToDo',
      );
      assert.equal(removals(), 0);
      assert.equal((await host.call(image, 'unload-any', { hash: 'aaaa' })).result?.result, 'Unloaded');
      assert.equal(removals(), 1);
    });

    it('has nothing to do for a marker of another boot, and takes that away', async () => {
      const image = await host.image(a);
      await (await host.load(image, {})).kill('SIGKILL');
      const marker = await readFile(host.path('run/kmm/ns.ci'), 'utf8');
      await host.kernel.reboot();
      await host.kernel.forceLoad('kmm_ci_a');
      await mkdir(host.path('run/kmm'), { recursive: true });
      await writeFile(host.path('run/kmm/ns.ci'), marker);
      const { result } = await host.call(image, 'unload-any', {});
      assert.deepEqual([result?.result, result?.boot], ['NothingToDo', host.kernel.bootId]);
      assert.deepEqual([removals(), existsSync(host.path('run/kmm/ns.ci'))], [0, false]);
    });

    it('clears up after a module that somebody else has removed', async () => {
      const image = await host.image(withFirmware);
      await host.load(image, { firmware: '/firmware' });
      await host.kernel.forceRemove('kmm_ci_a');
      assert.equal((await host.call(image, 'unload', { firmware: '/firmware' })).result?.result, 'Unloaded');
      assert.deepEqual([await firmware(), await readdir(host.path('run/kmm'))], [[], []]);
    });

    it('is not fooled by a modprobe that ends well without removing anything', async () => {
      const image = await host.image(withFirmware);
      await host.load(image, { firmware: '/firmware' });
      await writeFile(`${image}/usr/sbin/modprobe`, '#!/bin/sh\nexit 0\n');
      const { result } = await host.call(image, 'unload', { firmware: '/firmware' });
      assert.equal(result?.reason, 'ModprobeFailed');
      assert.match(result?.message ?? '', /the kernel still has kmm_ci_a/);
      assert.ok(existsSync(host.path('var/lib/firmware/vendor/chip/fw.bin')));
    });
  });
}
