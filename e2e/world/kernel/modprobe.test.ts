import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { KernelConfig } from './kernel.ts';
import { type ImageFile, ScriptHost } from './script-host.ts';

const release = '5.14.0-1.x86_64';
const folder = `/opt/lib/modules/${release}`;

/** Messages were compared with those of kmod 30 where no module has to be loaded for them, else taken from its source. */
describe('the stand-in modprobe', () => {
  let host: ScriptHost;
  let image: string;
  const start = async (modules: readonly ImageFile[], config: Partial<KernelConfig> = {}) => {
    host = await ScriptHost.start({ name: 'sh', command: ['/bin/sh'] }, { release, ...config }, Math.random);
    image = await host.image({ modules });
  };
  const modprobe = async (...words: string[]) => {
    const environment = { ROOT: image, KMM_WORLD_KERNEL: host.kernel.socketPath };
    const node = { KMM_WORLD_NODE: process.execPath, KMM_WORLD_MODPROBE: join(import.meta.dirname, 'modprobe.ts') };
    const child = spawn(join(image, 'usr/sbin/modprobe'), words, { env: { ...process.env, ...environment, ...node } });
    const code = new Promise((resolve) => child.on('close', resolve));
    return { out: await text(child.stdout), error: await text(child.stderr), code: await code };
  };
  const softdeps = async (...lines: string[]) => {
    await mkdir(join(image, 'etc/modprobe.d'), { recursive: true });
    await writeFile(join(image, 'etc/modprobe.d/softdep.conf'), lines.map((line) => `${line}\n`).join(''));
  };
  const loaded = () => host.kernel.modules().map(({ name }) => name);
  afterEach(() => host.stop());

  it('loads what a module needs first, and removes what nobody needs any more', async () => {
    await start([{ name: 'a', depends: ['b'] }, { name: 'b', depends: ['c'] }, { name: 'c' }]);
    const load = await modprobe('-v', '-d', '/opt', 'a', 'x=1', 'y=two words');
    const lines = [
      `insmod ${folder}/extra/c.ko `,
      `insmod ${folder}/extra/b.ko `,
      `insmod ${folder}/extra/a.ko x=1 y="two words"`,
    ];
    assert.deepEqual(load, { out: `${lines.join('\n')}\n`, error: '', code: 0 });
    assert.deepEqual(await modprobe('-d', '/opt', 'a'), { out: '', error: '', code: 0 });
    const removal = await modprobe('-rvd', '/opt', 'a');
    assert.deepEqual(removal, { out: 'rmmod a\nrmmod b\nrmmod c\n', error: '', code: 0 });
  });

  it('follows soft dependencies around a module, and shrugs at those that fail', async () => {
    await start([{ name: 'a' }, { name: 'b' }, { name: 'bad', release: '4.18.0' }, { name: 'after' }]);
    await softdeps('softdep a pre: b bad unheard_of post: after', 'softdep a pre: ignored');
    assert.equal((await modprobe('-d', '/opt', 'a')).code, 0);
    assert.deepEqual(loaded(), ['after', 'a', 'b']);
    assert.equal((await modprobe('-rv', '-d', '/opt', 'a')).out, 'rmmod after\nrmmod a\nrmmod b\n');
  });

  it('removes several, and ends with 1 when one of them is in use', async () => {
    await start([{ name: 'a-1' }, { name: 'b' }]);
    for (const name of ['a-1', 'b']) await modprobe('-d', '/opt', name);
    await host.kernel.hold('a-1');
    const { error, code } = await modprobe('-r', '-d', '/opt', 'a-1', 'b');
    assert.deepEqual([error, code, loaded()], ['modprobe: FATAL: Module a_1 is in use.\n', 1, ['a_1']]);
    assert.equal((await modprobe('-r', '-d', '/opt', 'b')).code, 0, 'what is not loaded is no error');
  });

  it('finds modules of the host through the image’s link, and in the host’s own folder without -d', async () => {
    await start([{ name: 'a', depends: ['own'] }], { inTree: [{ name: 'own' }] });
    await symlink(`/lib/modules/${release}`, join(image, folder, 'host'));
    const path = 'host/kernel/drivers/own.ko';
    await writeFile(join(image, folder, 'modules.dep'), `extra/a.ko: ${path}\n${path}:\n`);
    assert.equal((await modprobe('-d', '/opt', 'a')).code, 0);
    assert.deepEqual(loaded(), ['a', 'own']);
    await modprobe('-r', '-d', '/opt', 'a');
    assert.equal((await modprobe('-v', 'own')).out, `insmod /lib/modules/${release}/kernel/drivers/own.ko \n`);
  });

  it('says what kmod says', async () => {
    await start(
      [
        { name: 'a', depends: ['absent'] },
        { name: 'old', release: '4.18.0' },
      ],
      { trustedSigners: undefined, builtIn: ['part'] },
    );
    const said = async (...words: string[]) => [(await modprobe(...words)).error.trimEnd(), loaded().length];
    assert.deepEqual(await said('-d', '/opt', 'zz'), [
      `modprobe: FATAL: Module zz not found in directory ${folder}`,
      0,
    ]);
    assert.deepEqual(await said('-r', '-d', '/opt', 'zz'), ['modprobe: FATAL: Module zz not found.', 0]);
    assert.deepEqual(await said('-q', '-d', '/opt', 'zz'), ['', 0]);
    assert.deepEqual(await said('-d', '/opt', '-S', '9', 'a'), [
      'modprobe: FATAL: Module a not found in directory /opt/lib/modules/9',
      0,
    ]);
    assert.deepEqual(await said('-d', '/opt', 'old'), [
      "modprobe: ERROR: could not insert 'old': Exec format error",
      0,
    ]);
    const symbol = "modprobe: ERROR: could not insert 'a': Unknown symbol in module, or unknown parameter (see dmesg)";
    assert.deepEqual(await said('-d', '/opt', 'a'), [symbol, 0]);
    assert.deepEqual(await said('-r', 'part'), ['modprobe: FATAL: Module part is builtin.', 0]);
    assert.deepEqual(await said('-d', '/opt'), ['modprobe: ERROR: missing parameters. See -h.', 0]);
    assert.deepEqual(await said('-Z'), ["modprobe: invalid option -- 'Z'", 0]);
    await rm(join(image, folder, 'modules.dep'));
    assert.deepEqual(await said('-d', '/opt', 'a'), [`modprobe: FATAL: Module a not found in directory ${folder}`, 0]);
  });
});
