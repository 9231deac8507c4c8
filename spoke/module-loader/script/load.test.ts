import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KernelConfig } from '../../../e2e/world/kernel/kernel.ts';
import { koFile, vermagicOf } from '../../../e2e/world/kernel/ko.ts';
import { ScriptHost, shellsOfThisMachine } from '../../../e2e/world/kernel/script-host.ts';

const release = '5.14.0-427.el9.x86_64';
const a = { modules: [{ name: 'kmm_ci_a' }] };

for (const shell of shellsOfThisMachine()) {
  describe(`the loader script, load, under ${shell.name}`, () => {
    let host: ScriptHost;
    const start = async (config: Partial<KernelConfig> = {}) => {
      host = await ScriptHost.start(shell, { release, ...config }, Math.random);
    };
    const inserted = () => host.kernel.history.filter(({ call, errno }) => call === 'insert' && !errno);
    const removed = () => host.kernel.history.filter(({ call, errno }) => call === 'remove' && !errno);
    const untouched = (marker = 'ns.ci') => {
      assert.deepEqual(host.kernel.history, []);
      assert.equal(existsSync(host.path(`run/kmm/${marker}`)), false);
    };
    afterEach(() => host.stop());

    it('calls modprobe with -d, the module and its parameters, then stays until it is stopped [24] [29] [30]', async () => {
      await start();
      const container = await host.load(await host.image(a), { parameters: ['mode=fast', 'depth=3'] });
      assert.deepEqual(host.kernel.modules()[0]?.parameters, 'mode=fast depth=3');
      const { code, log, result } = await container.kill('SIGTERM');
      assert.match(log, /^modprobe -v -d \/opt kmm_ci_a mode=fast depth=3\n/);
      assert.deepEqual(
        { code, result: result?.result, verb: result?.verb },
        { code: 0, result: 'Loaded', verb: 'run' },
      );
      assert.equal(host.kernel.isLoaded('kmm_ci_a'), true);
    });

    it('hands arguments on as they are, whatever they hold [31]', async () => {
      await start();
      const image = await host.image(a);
      const load = [
        '--first-time',
        '-v',
        '-d',
        '/opt',
        'kmm_ci_a',
        '$(touch x)',
        '`id`',
        "it's",
        '*',
        'text="a b"',
        '\\n',
      ];
      const container = await host.start(image, 'run', { moduleName: 'kmm_ci_a', load });
      await container.loaded();
      assert.equal(host.kernel.modules()[0]?.parameters, '$(touch x) `id` it\'s * text="a b" \\n');
    });

    it('with raw arguments gives modprobe these alone, and is ready by its marker [32]', async () => {
      await start();
      const image = await host.image(a);
      const raw = { load: ['-d', '/opt', 'kmm_ci_a', 'x=1'], unload: ['-r', '-d', '/opt', 'kmm_ci_a'] };
      const container = await host.load(image, { raw });
      assert.equal((await host.call(image, 'ready', { raw })).code, 0);
      assert.equal((await host.call(image, 'unload', { raw })).result?.result, 'Unloaded');
      assert.equal((await host.call(image, 'ready', { raw })).code, 1);
      assert.equal(removed().length, 1);
      assert.match((await container.kill('SIGTERM')).log, /^modprobe -d \/opt kmm_ci_a x=1\n/);
    });

    it('loads the order from its end and unloads it from its head [33]', async () => {
      await start();
      const image = await host.image({ modules: [{ name: 'kmm_ci_a' }, { name: 'kmm-ci-b' }] });
      const spec = { order: ['kmm_ci_a', 'kmm-ci-b'] };
      await host.load(image, spec);
      assert.deepEqual(
        inserted().map(({ name }) => name),
        ['kmm_ci_b', 'kmm_ci_a'],
      );
      assert.equal((await host.call(image, 'unload', spec)).result?.result, 'Unloaded');
      assert.deepEqual(
        removed().map(({ name }) => name),
        ['kmm_ci_a', 'kmm_ci_b'],
      );
    });

    it('loads what a module of the image needs, and through a link what it needs from the host [54]', async () => {
      await start({ inTree: [{ name: 'ib_core' }] });
      const image = await host.image({ modules: [{ name: 'kmm_ci_a', depends: ['ib_core'] }] });
      const folder = join(image, 'opt/lib/modules', release);
      await symlink(`/lib/modules/${release}`, join(folder, 'host'));
      await writeFile(
        join(folder, 'modules.dep'),
        'extra/kmm_ci_a.ko: host/kernel/drivers/ib_core.ko\nhost/kernel/drivers/ib_core.ko:\n',
      );
      await host.load(image, {});
      assert.deepEqual(
        inserted().map(({ name }) => name),
        ['ib_core', 'kmm_ci_a'],
      );
    });

    it('does nothing on another kernel than its own, and says so', async () => {
      await start();
      const { code, result } = await host.call(await host.image({ ...a, kernel: '5.14.0-1' }), 'run', {
        kernel: '5.14.0-1',
      });
      assert.equal(code, 1);
      assert.equal(result?.reason, 'OtherKernel');
      assert.match(result?.message ?? '', /5\.14\.0-1, the node runs 5\.14\.0-427\.el9/);
      untouched();
    });

    it('names the folder for modprobe when the release ends in +, but not with raw arguments', async () => {
      await start({ release: '6.1.0+' });
      const container = await host.load(await host.image(a), {});
      assert.match((await container.kill('SIGTERM')).log, /^modprobe -S 6\.1\.0 -v -d \/opt kmm_ci_a\n/);
      const raw = { load: ['-S', '6.1.0', '-d', '/opt', 'other'], unload: ['-r', 'other'] };
      const other = await host.load(await host.image({ modules: [{ name: 'other' }] }), { module: 'ns.raw', raw });
      assert.match((await other.kill('SIGTERM')).log, /^modprobe -S 6\.1\.0 -d \/opt other\n/);
    });

    it('says that an image has no modprobe', async () => {
      await start();
      const { code, result } = await host.call(await host.image({ ...a, modprobe: false }), 'run', {});
      assert.deepEqual([code, result?.reason], [1, 'NoModprobe']);
      untouched();
    });

    it('is done at once when its marker and the kernel say so (a)', async () => {
      await start({ inTree: [{ name: 'kmm-ci-a', loaded: true }] });
      const image = await host.image(a);
      const spec = { moduleName: 'kmm-ci-a', inTree: ['kmm-ci-a'] };
      await (await host.load(image, spec)).kill('SIGKILL');
      const events = host.kernel.history.length;
      await host.load(image, spec);
      assert.equal(
        host.kernel.history.length,
        events,
        'a restarted container leaves our own module of the in-tree name alone [215]',
      );
    });

    it('unloads what another load hash has loaded, then loads with the new values (b) [46]', async () => {
      await start();
      const image = await host.image({ ...a, firmware: { 'old.bin': '1' } });
      await (await host.load(image, { hash: 'aaaa', firmware: '/firmware', parameters: ['x=1'] })).kill('SIGKILL');
      const next = await host.image({ ...a, firmware: { 'new.bin': '2' } });
      await host.load(next, { hash: 'bbbb', firmware: '/firmware', parameters: ['x=2'] });
      assert.deepEqual(
        host.kernel.history.map(({ call }) => call),
        ['insert', 'remove', 'insert'],
      );
      assert.equal(host.kernel.modules()[0]?.parameters, 'x=2');
      assert.deepEqual(
        [existsSync(host.path('var/lib/firmware/old.bin')), existsSync(host.path('var/lib/firmware/new.bin'))],
        [false, true],
      );
    });

    it('leaves another version that is in use where it is, naming its users (b)', async () => {
      await start();
      const image = await host.image({ ...a, firmware: { 'old.bin': '1' } });
      await (await host.load(image, { hash: 'aaaa', firmware: '/firmware' })).kill('SIGKILL');
      await host.kernel.hold('kmm_ci_a');
      const { code, result } = await host.call(image, 'run', { hash: 'bbbb' });
      assert.deepEqual([code, result?.reason], [1, 'OtherVersionLoaded']);
      assert.match(result?.message ?? '', /kmm_ci_a is in use: use count 1/);
      assert.equal(host.kernel.history.length, 1);
      assert.ok(existsSync(host.path('var/lib/firmware/old.bin')));
      assert.match(await readFile(host.path('run/kmm/ns.ci'), 'utf8'), /hash=aaaa\nphase=loaded/);
    });

    it('with raw arguments leaves another version to the pod that knows how to unload it (b)', async () => {
      await start();
      const image = await host.image(a);
      const raw = { load: ['-d', '/opt', 'kmm_ci_a'], unload: ['-r', '-d', '/opt', 'kmm_ci_a'] };
      await (await host.load(image, { hash: 'aaaa', raw })).kill('SIGKILL');
      assert.equal((await host.call(image, 'run', { hash: 'bbbb', raw })).result?.reason, 'OtherVersionLoaded');
      assert.equal((await host.call(image, 'unload-any', { hash: 'bbbb', raw })).result?.result, 'Unloaded');
      await host.load(image, { hash: 'bbbb', raw });
    });

    it('touches nothing that another Module owns, and names that Module (c)', async () => {
      await start();
      const image = await host.image({ modules: [{ name: 'kmm_ci_a' }, { name: 'kmm_ci_b' }] });
      await host.load(image, { module: 'other.one', order: ['kmm_ci_a', 'kmm_ci_b'] });
      for (const moduleName of ['kmm-ci-a', 'kmm_ci_b']) {
        const { code, result } = await host.call(image, 'run', { moduleName });
        assert.deepEqual([code, result?.reason], [1, 'OwnedByOther']);
        assert.match(result?.message ?? '', /belongs to Module other\.one/);
      }
      assert.equal(host.kernel.history.length, 2);
      assert.equal(existsSync(host.path('run/kmm/ns.ci')), false);
    });

    it('touches no module that something else has loaded (d)', async () => {
      await start({ inTree: [{ name: 'kmm_ci_a', loaded: true }] });
      const { code, result } = await host.call(await host.image(a), 'run', {});
      assert.deepEqual([code, result?.reason], [1, 'LoadedByOther']);
      untouched();
    });

    it('counts a marker of another boot as none, and loads after a reboot', async () => {
      await start();
      const image = await host.image(a);
      await (await host.load(image, {})).kill('SIGKILL');
      const marker = await readFile(host.path('run/kmm/ns.ci'), 'utf8');
      await host.kernel.reboot();
      await mkdir(host.path('run/kmm'), { recursive: true });
      await writeFile(host.path('run/kmm/ns.ci'), marker);
      assert.equal((await host.call(image, 'ready', {})).code, 1);
      await host.load(image, {});
      assert.equal(host.kernel.isLoaded('kmm_ci_a'), true);
      assert.match(await readFile(host.path('run/kmm/ns.ci'), 'utf8'), new RegExp(`boot=${host.kernel.bootId}\n`));
    });

    it('has a marker before the kernel changes, firmware before modprobe runs, and both whole afterwards [56]', async () => {
      await start();
      const image = await host.image({ ...a, firmware: { 'vendor/deep/fw.bin': 'one', 'top.bin': 'two' } });
      await symlink('fw.bin', join(image, 'firmware/vendor/deep/latest.bin'));
      const go = host.kernel.pause();
      const container = await host.start(image, 'run', { firmware: '/firmware', order: ['kmm_ci_a'] });
      await container.logged('modprobe -v');
      assert.equal(await readFile(host.path('var/lib/firmware/vendor/deep/latest.bin'), 'utf8'), 'one');
      const marker = await readFile(host.path('run/kmm/ns.ci'), 'utf8');
      const bootId = host.kernel.bootId;
      const lines = ['hash=0123456789abcdef', 'phase=loading', 'module=kmm_ci_a', 'order=kmm_ci_a', 'firmware=top.bin'];
      assert.deepEqual(
        [`boot=${bootId}`, ...lines].filter((line) => !marker.split('\n').includes(line)),
        [],
      );
      assert.equal((await host.call(image, 'ready', {})).code, 1);
      go();
      await container.loaded();
      assert.equal(await readFile(host.path('run/kmm/ns.ci'), 'utf8'), marker.replace('loading', 'loaded'));
      assert.equal((await host.call(image, 'ready', {})).code, 0);
    });

    const searchPath = '/opt/firmware';
    const parameter = () => host.path('sys/module/firmware_class/parameters/path');

    it('has the kernel look for firmware where it is told to, before modprobe runs [60] [196]', async () => {
      await start();
      const image = await host.image({ ...a, firmware: { 'fw.bin': '1' } });
      await writeFile(parameter(), '(null)\n');
      const go = host.kernel.pause();
      const container = await host.start(image, 'run', { firmware: '/firmware', searchPath });
      await container.logged('modprobe -v');
      assert.equal(await readFile(parameter(), 'utf8'), searchPath);
      go();
      await container.loaded();
    });

    it('leaves the place where the kernel looks for firmware alone when it is told nothing, or it is that already', async () => {
      await start();
      const image = await host.image({ ...a, firmware: { 'fw.bin': '1' } });
      await writeFile(parameter(), `${searchPath}\n`);
      await (await host.load(image, { firmware: '/firmware', searchPath })).kill('SIGTERM');
      await host.call(image, 'unload', {});
      await host.load(image, { firmware: '/firmware' });
      assert.equal(await readFile(parameter(), 'utf8'), `${searchPath}\n`);
    });

    it('loads nothing when it cannot tell the kernel where the firmware is [61]', async () => {
      await start();
      const image = await host.image({ ...a, firmware: { 'fw.bin': '1' } });
      await mkdir(parameter());
      const { result } = await host.call(image, 'run', { firmware: '/firmware', searchPath });
      assert.equal(result?.reason, 'FirmwareFailed');
      assert.match(result?.message ?? '', /firmware_class/);
      assert.equal(existsSync(host.path('var/lib/firmware/fw.bin')), false);
      untouched();
    });

    it('refuses firmware that the image does not have', async () => {
      await start();
      const { result } = await host.call(await host.image(a), 'run', { firmware: '/firmware' });
      assert.equal(result?.reason, 'FirmwareFailed');
      untouched();
    });

    it('takes firmware and marker away again when firmware cannot be written', async () => {
      await start();
      const image = await host.image({ ...a, firmware: { 'a.bin': '1', 'z.bin': '2' } });
      await mkdir(host.path('var/lib/firmware/z.bin'));
      const { result } = await host.call(image, 'run', { firmware: '/firmware' });
      assert.equal(result?.reason, 'FirmwareFailed');
      assert.match(result?.message ?? '', /cannot write .*z\.bin/);
      assert.equal(existsSync(host.path('var/lib/firmware/a.bin')), false);
      untouched();
    });

    it('takes the modules of the order away again when the module itself does not load', async () => {
      await start();
      const image = await host.image({ modules: [{ name: 'kmm_ci_a', release: '4.18.0' }, { name: 'kmm_ci_b' }] });
      const { result } = await host.call(image, 'run', { order: ['kmm_ci_a', 'kmm_ci_b'] });
      assert.equal(result?.reason, 'InvalidModuleFormat');
      assert.deepEqual(host.kernel.modules(), []);
      assert.equal(existsSync(host.path('run/kmm/ns.ci')), false);
    });

    describe('in-tree modules', () => {
      const inTree = [
        { name: 'nic-core', loaded: true },
        { name: 'nic', depends: ['nic-core'], loaded: true },
      ];

      it('go before the module is loaded, in any order, and do not come back [35] [36]', async () => {
        await start({ inTree });
        const image = await host.image(a);
        await host.load(image, { inTree: ['nic_core', 'nic'] });
        assert.deepEqual(
          host.kernel.history.filter(({ errno }) => !errno).map(({ name }) => name),
          ['nic', 'nic_core', 'kmm_ci_a'],
        );
        await host.call(image, 'unload', {});
        assert.deepEqual(host.kernel.modules(), []);
      });

      it('are skipped when they are not in the kernel or not among the host’s files [37]', async () => {
        await start({ inTree: [{ name: 'idle' }] });
        await host.kernel.forceLoad('fileless');
        await host.load(await host.image(a), { inTree: ['idle', 'fileless', 'unheard_of'] });
        assert.deepEqual(
          host.kernel.modules().map(({ name }) => name),
          ['kmm_ci_a', 'fileless'],
        );
      });

      it('are found by their whole name for the running kernel only, where - and _ are equal [T18]', async () => {
        await start({ inTree: [{ name: 'foo-bar_x', loaded: true }, { name: 'foobar' }, { name: 'barfoo' }] });
        await host.kernel.forceLoad('foo');
        const elsewhere = host.path('lib/modules/4.18.0/kernel/foo.ko');
        await mkdir(dirname(elsewhere), { recursive: true });
        await writeFile(elsewhere, koFile({ name: 'foo', vermagic: vermagicOf('4.18.0') }));
        await host.load(await host.image(a), { inTree: ['foo_bar-x', 'foo'] });
        assert.deepEqual(
          host.kernel.modules().map(({ name }) => name),
          ['kmm_ci_a', 'foo'],
        );
      });

      it('stay when the image has no module for this kernel [215]', async () => {
        await start({ inTree });
        const image = await host.image(a);
        await rm(join(image, 'opt/lib/modules', release, 'extra/kmm_ci_a.ko'));
        await symlink(`/lib/modules/${release}`, join(image, 'opt/lib/modules', release, 'host'));
        const { result } = await host.call(image, 'run', { inTree: ['nic'] });
        assert.equal(result?.reason, 'ModuleNotFound');
        untouched();
      });

      it('stay and are named when they are built in or held by others [215]', async () => {
        await start({ inTree, builtIn: ['nic-base'] });
        const image = await host.image(a);
        const builtIn = await host.call(image, 'run', { inTree: ['nic', 'nic_base'] });
        assert.deepEqual([builtIn.result?.reason, builtIn.code], ['InTreeBuiltIn', 1]);
        assert.match(builtIn.result?.message ?? '', /nic_base is part of the kernel/);
        const held = await host.call(image, 'run', { inTree: ['nic_core'] });
        assert.deepEqual([held.result?.reason, held.result?.holders], ['InTreeInUse', ['nic']]);
        untouched();
      });

      it('of our own name, loaded from no file of the host, are somebody’s: left alone', async () => {
        await start();
        await host.kernel.forceLoad('kmm_ci_a');
        const { result } = await host.call(await host.image(a), 'run', { inTree: ['kmm_ci_a'] });
        assert.equal(result?.reason, 'LoadedByOther');
        untouched();
      });

      it('that another Module has loaded meanwhile are that Module’s', async () => {
        await start({ inTree: [{ name: 'nic' }] });
        await host.load(await host.image({ modules: [{ name: 'nic' }] }), { module: 'other.one', moduleName: 'nic' });
        const { result } = await host.call(await host.image(a), 'run', { inTree: ['nic'] });
        assert.equal(result?.reason, 'OwnedByOther');
        assert.equal(host.kernel.isLoaded('nic'), true);
      });
    });
  });
}
