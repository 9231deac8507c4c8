import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, type KernelConfig, startKernel } from './kernel.ts';
import { connectKernel, type KernelConnection } from './kernel-connection.ts';
import { koFile, vermagicOf } from './ko.ts';

const release = '5.14.0-1.x86_64';

describe('the modelled kernel', () => {
  let folder: string;
  let kernel: Kernel;
  let calls: KernelConnection;
  const start = async (config: Partial<KernelConfig> = {}) => {
    folder = await mkdtemp(join(tmpdir(), 'kmm-kernel-test-'));
    kernel = await startKernel({ folder, release, random: Math.random, ...config });
    calls = await connectKernel(kernel.socketPath);
  };
  const read = (path: string) => readFile(join(folder, path), 'utf8');
  const insert = async (options: Partial<Parameters<typeof koFile>[0]> = {}, parameters = '') => {
    await writeFile(join(folder, 'x.ko'), koFile({ name: 'x', vermagic: vermagicOf(kernel.release), ...options }));
    return calls.insert(join(folder, 'x.ko'), parameters);
  };
  afterEach(async () => {
    calls.close();
    await kernel.stop();
    await rm(folder, { recursive: true });
  });

  it('shows its modules, uses and holders in /proc/modules by the time a call returns', async () => {
    await start({ inTree: [{ name: 'in-tree', loaded: true }] });
    assert.equal(await insert({ depends: ['in-tree'] }, 'a=1'), undefined);
    await kernel.hold('x');
    assert.equal(
      await read('proc/modules'),
      'x 16384 1 - Live 0x0000000000000000 (OE)\nin_tree 16384 1 x, Live 0x0000000000000000\n',
    );
    assert.equal(kernel.modules()[0]?.parameters, 'a=1');
    assert.equal(await read('proc/sys/kernel/osrelease'), `${release}\n`);
    assert.match(await read('proc/sys/kernel/random/boot_id'), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/);
  });

  it('refuses as a kernel does', async () => {
    await start({ builtIn: ['part-of-it'] });
    assert.equal(await insert({ vermagic: vermagicOf('4.18.0') }), 'ENOEXEC');
    assert.equal(await insert({ depends: ['absent'] }), 'ENOENT');
    assert.equal(await insert({ name: 'part_of_it' }), 'EEXIST');
    assert.equal(await insert({ depends: ['part_of_it'] }), undefined);
    assert.equal(await insert(), 'EEXIST');
    await kernel.hold('x');
    assert.equal(await calls.remove('x'), 'EAGAIN');
    await kernel.releaseHold('x');
    assert.equal(await calls.remove('x'), undefined);
    assert.equal(await calls.remove('x'), 'ENOENT');
    const attempts = kernel.history.map(({ call, name, errno }) => [call, name, errno].join(' ').trim());
    assert.deepEqual(attempts.slice(-4), ['insert x EEXIST', 'remove x EAGAIN', 'remove x', 'remove x ENOENT']);
  });

  it('with Secure Boot loads only what a trusted key has signed, and its own modules', async () => {
    await start({ trustedSigners: ['vendor'], inTree: [{ name: 'own' }] });
    assert.equal(await insert(), 'ENOKEY');
    assert.equal(await insert({ signedBy: 'somebody' }), 'ENOKEY');
    assert.equal(await insert({ signedBy: 'vendor' }), undefined);
    assert.equal(await calls.insert(join(folder, `lib/modules/${release}/kernel/drivers/own.ko`), ''), undefined);
    assert.match(await read('proc/modules'), /^own 16384 0 - Live 0x0000000000000000\nx .*\(OE\)\n$/);
  });

  it('without Secure Boot does not look at signatures', async () => {
    await start();
    assert.equal(await insert({ signedBy: 'anybody' }), undefined);
  });

  it('after a reboot has another boot id, its boot modules only and an empty /run; the old kernel’s files stay', async () => {
    await start({ inTree: [{ name: 'own', loaded: true }] });
    await insert();
    await writeFile(join(folder, 'run/marker'), '');
    const { bootId } = kernel;
    await kernel.reboot({ release: '6.1.0' });
    assert.notEqual(kernel.bootId, bootId);
    assert.equal(await read('proc/sys/kernel/random/boot_id'), `${kernel.bootId}\n`);
    assert.equal(await read('proc/sys/kernel/osrelease'), '6.1.0\n');
    assert.deepEqual([kernel.modules().map(({ name }) => name), await readdir(join(folder, 'run'))], [['own'], []]);
    assert.deepEqual(await readdir(kernel.libModulesFolder), [release, '6.1.0']);
    assert.equal(await insert(), undefined);
  });

  it('answers nothing while it is paused', async () => {
    await start();
    const go = kernel.pause();
    const inserting = insert();
    const other = await connectKernel(kernel.socketPath);
    assert.deepEqual((await other.state()).modules, []);
    go();
    assert.equal(await inserting, undefined);
    assert.equal(kernel.isLoaded('x'), true);
    other.close();
  });
});
