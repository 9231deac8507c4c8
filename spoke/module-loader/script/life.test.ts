import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ScriptHost, shellsOfThisMachine } from '../../../e2e/world/kernel/script-host.ts';

const release = '5.14.0-427.el9.x86_64';
const a = { modules: [{ name: 'kmm_ci_a' }], firmware: { 'fw.bin': '1' } };
const spec = { firmware: '/firmware' };

for (const shell of shellsOfThisMachine()) {
  describe(`the loader script, over time, under ${shell.name}`, () => {
    let host: ScriptHost;
    const inserts = () => host.kernel.history.filter(({ call, errno }) => call === 'insert' && !errno).length;
    const age = async (path: string, minutes: number) => {
      const seconds = Date.now() / 1000 - minutes * 60;
      await utimes(host.path(path), seconds, seconds);
    };
    beforeEach(async () => {
      host = await ScriptHost.start(shell, { release }, Math.random);
    });
    afterEach(() => host.stop());

    it('needs nothing of the image but modprobe: loads, is ready, ships firmware and unloads [204]', async () => {
      const image = await host.image(a);
      const alone = { ...spec, hostPath: shell.name !== 'busybox' };
      await host.load(image, alone);
      assert.equal((await host.call(image, 'ready', alone)).code, 0);
      assert.ok(existsSync(host.path('var/lib/firmware/fw.bin')));
      assert.equal((await host.call(image, 'unload', alone)).result?.result, 'Unloaded');
      assert.deepEqual(await readdir(host.path('var/lib/firmware')), []);
    });

    it('does its work also where it cannot leave a result', async () => {
      const image = await host.image(a);
      await rm(join(image, 'dev'), { recursive: true });
      await host.load(image, spec);
      assert.equal((await host.call(image, 'unload', spec)).code, 0);
      assert.deepEqual(host.kernel.modules(), []);
    });

    it('finishes loading when it is told to end meanwhile, and leaves no half state', async () => {
      const image = await host.image(a);
      const go = host.kernel.pause();
      const container = await host.start(image, 'run', spec);
      await container.logged('modprobe -v');
      const ending = container.kill('SIGTERM');
      go();
      const { code, result } = await ending;
      assert.deepEqual([code, result?.result], [0, 'Loaded']);
      assert.match(await readFile(host.path('run/kmm/ns.ci'), 'utf8'), /phase=loaded/);
      assert.equal((await host.call(image, 'unload', spec)).result?.result, 'Unloaded');
      assert.deepEqual([host.kernel.modules(), await readdir(host.path('run/kmm'))], [[], []]);
    });

    it('takes a failed load back whole when it is told to end meanwhile', async () => {
      const image = await host.image({ ...a, modules: [{ name: 'kmm_ci_a', release: '4.18.0' }] });
      const go = host.kernel.pause();
      const container = await host.start(image, 'run', spec);
      await container.logged('modprobe -v');
      const ending = container.kill('SIGTERM');
      go();
      assert.deepEqual([(await ending).code, (await ending).result?.reason], [1, 'InvalidModuleFormat']);
      assert.deepEqual([await readdir(host.path('run/kmm')), await readdir(host.path('var/lib/firmware'))], [[], []]);
    });

    it('leaves no result of an earlier verb behind when it is killed while loading', async () => {
      const image = await host.image(a);
      await host.call(image, 'unload', spec);
      host.kernel.pause();
      const container = await host.start(image, 'run', spec);
      await container.logged('modprobe -v');
      assert.equal((await container.kill('SIGKILL')).result, undefined);
      assert.match(await readFile(host.path('run/kmm/ns.ci'), 'utf8'), /phase=loading/);
    });

    for (const { reached, title } of [
      { reached: true, title: 'the kernel had taken the module' },
      { reached: false, title: 'the kernel had not seen the module' },
    ]) {
      it(`clears up a load that was killed when ${title}, then loads`, async () => {
        const image = await host.image(a);
        const go = host.kernel.pause();
        const container = await host.start(image, 'run', spec);
        await container.logged('modprobe -v');
        if (reached) await host.kernel.forceLoad('kmm_ci_a');
        await container.kill('SIGKILL');
        await age('run/kmm/.lock', 3);
        host.kernel.history.length = 0;
        go();
        const again = await host.load(image, spec);
        assert.deepEqual(
          host.kernel.history.filter(({ errno }) => !errno).map(({ call }) => call),
          reached ? ['remove', 'insert'] : ['insert'],
        );
        assert.match(await readFile(host.path('run/kmm/ns.ci'), 'utf8'), /phase=loaded/);
        await again.kill('SIGTERM');
      });
    }

    it('puts firmware back that an unload had taken when it was killed', async () => {
      const image = await host.image(a);
      await host.load(image, spec);
      host.kernel.pause();
      const unloading = await host.start(image, 'unload', spec);
      await unloading.logged('modprobe -rv');
      assert.equal(existsSync(host.path('var/lib/firmware/fw.bin')), false);
      await unloading.kill('SIGKILL');
      await age('run/kmm/.lock', 3);
      await host.load(image, spec);
      assert.deepEqual(await readdir(host.path('var/lib/firmware')), ['fw.bin']);
    });

    it('waits 60 s for the lock, then says that it is busy', async () => {
      const image = await host.image(a);
      await mkdir(host.path('run/kmm/.lock'), { recursive: true });
      for (const verb of ['run', 'unload'] as const) {
        const { code, result } = await host.call(image, verb, spec);
        assert.deepEqual([code, result?.reason], [1, 'Busy']);
      }
      assert.equal((await host.sleeps()).length, 60);
      assert.deepEqual(host.kernel.history, []);
      assert.ok(existsSync(host.path('run/kmm/.lock')));
    });

    it('breaks a lock that is older than two minutes, also when its breaker was killed', async () => {
      const image = await host.image(a);
      for (const name of ['.lock', '.lock.break']) await mkdir(host.path(`run/kmm/${name}`), { recursive: true });
      for (const name of ['.lock', '.lock.break']) await age(`run/kmm/${name}`, 3);
      await host.load(image, spec);
      assert.deepEqual(await readdir(host.path('run/kmm')), ['ns.ci']);
    });

    it('does not release a lock that was taken from it', async () => {
      const image = await host.image(a);
      const go = host.kernel.pause();
      const container = await host.start(image, 'run', spec);
      await container.logged('modprobe -v');
      await rm(host.path('run/kmm/.lock'), { recursive: true });
      await mkdir(host.path('run/kmm/.lock/ns.other.0.run.1'), { recursive: true });
      go();
      await container.loaded();
      assert.deepEqual(await readdir(host.path('run/kmm/.lock')), ['ns.other.0.run.1']);
    });

    it('stops waiting for the lock when it is told to end, and says nothing', async () => {
      const image = await host.image(a);
      await mkdir(host.path('run/kmm/.lock'), { recursive: true });
      await host.gate(2);
      const container = await host.start(image, 'run', spec);
      while ((await host.sleeps()).length === 0) await new Promise(setImmediate);
      const { code, result } = await container.kill('SIGTERM');
      assert.deepEqual([code, result], [0, undefined]);
    });

    it('loads a module again that went away', async () => {
      const image = await host.image(a);
      const gate = await host.gate(30);
      const container = await host.load(image, { ...spec, parameters: ['x=1'] });
      await gate.tick();
      await host.kernel.forceRemove('kmm_ci_a');
      assert.equal((await host.call(image, 'ready', spec)).code, 1);
      await gate.tick();
      await container.logged('loading it again');
      await gate.tick();
      assert.deepEqual([inserts(), host.kernel.modules()[0]?.parameters], [2, 'x=1']);
      assert.equal((await host.call(image, 'ready', spec)).code, 0);
    });

    it('ends with 1 when a module that went away does not load again', async () => {
      const image = await host.image(a);
      const gate = await host.gate(30);
      const container = await host.load(image, spec);
      await host.kernel.forceRemove('kmm_ci_a');
      await rm(join(image, 'opt/lib/modules', release), { recursive: true });
      await gate.tick();
      const { code, result } = await container.ended;
      assert.deepEqual([code, result?.reason], [1, 'ModuleNotFound']);
      assert.deepEqual([await readdir(host.path('run/kmm')), await readdir(host.path('var/lib/firmware'))], [[], []]);
    });

    it('does not load again what was unloaded on purpose, or what another load hash has taken over', async () => {
      const image = await host.image(a);
      const gate = await host.gate(30);
      const unloaded = await host.load(image, spec);
      await host.call(image, 'unload', spec);
      await gate.tick();
      assert.deepEqual([(await unloaded.ended).code, inserts()], [0, 1]);
      const earlier = await host.load(image, { ...spec, hash: 'aaaa' });
      await host.load(await host.image(a), { ...spec, hash: 'bbbb' });
      await gate.tick();
      await gate.tick();
      assert.equal((await earlier.ended).code, 0);
      assert.deepEqual([inserts(), host.kernel.isLoaded('kmm_ci_a')], [3, true]);
    });

    it('is ready by marker and kernel together, and leaves the last result in its place', async () => {
      const image = await host.image(a);
      assert.equal((await host.call(image, 'ready', spec)).code, 1);
      await host.load(image, spec);
      const { code, result } = await host.call(image, 'ready', spec);
      assert.deepEqual([code, result?.verb], [0, 'run']);
      assert.equal((await host.call(image, 'ready', { ...spec, hash: 'ffff' })).code, 1);
      assert.equal((await host.call(image, 'ready', { ...spec, module: 'ns.other' })).code, 1);
    });
  });
}
