import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Lifeline, openLifeline } from '../control-plane/lifeline.ts';
import { orSkip } from '../debian/skip-loudly.ts';
import { tarOf } from '../registry/oci-image.ts';
import { buildModules, makeKey, signed, signWithKernelsOwn, type TestKey } from './kernel-module.ts';
import { type Machine, startMachine } from './machine.ts';
import { findParts, type KernelParts, type Parts } from './packages.ts';
import { parameterModule } from './test-modules.ts';

describe('a machine with a real kernel', function () {
  this.timeout(300_000);
  let parts: Parts;
  let kernel: KernelParts;
  let lifeline: Lifeline;
  let enrolled: TestKey;
  let foreign: TestKey;
  let ko: Buffer;

  before(async function () {
    parts = await orSkip(this, findParts);
    kernel = parts.kernels[1];
    lifeline = openLifeline('vm');
    enrolled = await makeKey(lifeline.folder, 'enrolled');
    foreign = await makeKey(lifeline.folder, 'foreign');
    const folder = join(lifeline.folder, 'build');
    ko = (await buildModules({ kernel, folder, sources: { kmm_vm_a: parameterModule } })).kmm_vm_a;
  });

  after(() => lifeline?.end());

  /** Puts a module into the machine and loads it with busybox's insmod. */
  async function insert(machine: Machine, content: Buffer, parameters = '') {
    await machine.unpack(await tarOf([{ path: 'a.ko', content }]), '/tmp/try');
    return machine.start(`insmod /tmp/try/a.ko ${parameters}`).ended;
  }

  describe('under UEFI Secure Boot', () => {
    let machine: Machine;

    before(async () => {
      machine = await startMachine({ parts, kernel, secureBoot: true, enrolled: [enrolled.der], lifeline });
      process.stderr.write(`vm: the agent answered after ${machine.bootMs / 1000} s with Secure Boot\n`);
    });

    after(() => machine?.stop());

    it('runs the kernel, locked down, on firmware that enforces signatures', async () => {
      assert.equal(await machine.shell('uname -r'), `${kernel.release}\n`);
      const secureBoot = await machine.shell('od -An -tx1 /sys/firmware/efi/efivars/SecureBoot-*');
      assert.equal(secureBoot.trim(), '06 00 00 00 01');
      assert.match(await machine.shell('cat /sys/kernel/security/lockdown'), /\[integrity\]/);
    });

    it('has no network but its own loopback', async () => {
      assert.equal(await machine.shell('ls /sys/class/net'), 'lo\n');
    });

    it('refuses a module without a signature', async () => {
      const { code, errors } = await insert(machine, ko);
      assert.notEqual(code, 0);
      assert.match(errors, /Key was rejected by service/);
      assert.match(await machine.shell('dmesg'), /Loading of unsigned module is rejected/);
    });

    it('refuses a module that is signed with a key that the firmware does not know, in the kernel’s words', async () => {
      const { code, errors } = await insert(machine, signed(ko, foreign));
      assert.notEqual(code, 0);
      assert.match(errors, /Key was rejected by service/);
      assert.match(await machine.shell('dmesg'), /Loading of module with unavailable key is rejected/);
      assert.doesNotMatch(await machine.shell('cat /proc/modules'), /kmm_vm_a/);
    });

    it('refuses a module that was changed after it was signed', async () => {
      const changed = signed(ko, enrolled);
      changed.write('0', changed.indexOf('shows a parameter'));
      assert.match((await insert(machine, changed)).errors, /Key was rejected by service/);
    });

    for (const { signer, sign } of [
      { signer: 'our own signer', sign: () => signed(ko, enrolled) },
      { signer: 'the kernel’s sign-file', sign: () => signWithKernelsOwn(parts, ko, enrolled) },
    ]) {
      it(`loads a module that ${signer} has signed with an enrolled key, with its parameter, and unloads it`, async () => {
        const { code, errors } = await insert(machine, await sign(), 'answer=42');
        assert.equal(code, 0, errors);
        assert.equal(await machine.shell('cat /sys/module/kmm_vm_a/parameters/answer'), '42\n');
        assert.match(await machine.shell('cat /proc/modules'), /^kmm_vm_a \d+ 0 - Live/m);
        await machine.shell('rmmod kmm_vm_a');
        assert.doesNotMatch(await machine.shell('cat /proc/modules'), /kmm_vm_a/);
      });
    }

    it('runs scripts side by side, and gives back what they print, byte for byte', async () => {
      const slow = machine.start('sleep 1; echo slow; exit 7');
      const awkward = `it's "$x" \\ ü\n\n`;
      assert.equal(await machine.shell(`printf %s '${awkward.replace("'", `'\\''`)}'`), awkward);
      assert.deepEqual(await slow.ended, { code: 7, output: 'slow\n', errors: '' });
      assert.equal((await machine.shell('head -c 300000 /dev/zero | tr "\\0" x')).length, 300_000);
    });
  });

  it('trusts a key in MokList when Debian’s shim starts it, and no other [91]', async () => {
    const machine = await startMachine({ parts, kernel, secureBoot: true, mok: [enrolled.der], lifeline });
    process.stderr.write(`vm: the agent answered after ${machine.bootMs / 1000} s with shim\n`);
    assert.match(await machine.shell('cat /sys/kernel/security/lockdown'), /\[integrity\]/);
    const { code, errors } = await insert(machine, signed(ko, enrolled));
    assert.equal(code, 0, errors);
    assert.match(await machine.shell('cat /proc/modules'), /^kmm_vm_a \d+ 0 - Live/m);
    await machine.shell('rmmod kmm_vm_a');
    assert.match((await insert(machine, signed(ko, foreign))).errors, /Key was rejected by service/);
    await machine.stop();
  });

  it('is not started by that firmware from a program without a signature', async () => {
    const started = startMachine({ parts, kernel, secureBoot: true, bootSigned: false, lifeline });
    await assert.rejects(started, /Security Violation[\s\S]*No bootable option or device was found/);
  });

  it('loads an unsigned module without Secure Boot', async () => {
    const machine = await startMachine({ parts, kernel, secureBoot: false, lifeline });
    process.stderr.write(`vm: the agent answered after ${machine.bootMs / 1000} s without Secure Boot\n`);
    assert.match(await machine.shell('cat /sys/kernel/security/lockdown'), /\[none\]/);
    assert.equal((await insert(machine, ko, 'answer=7')).code, 0);
    assert.equal(await machine.shell('cat /sys/module/kmm_vm_a/parameters/answer'), '7\n');
    await machine.stop();
  });

  it('ends its scripts with an error when it is stopped', async () => {
    const machine = await startMachine({ parts, kernel, secureBoot: false, lifeline });
    const waits = machine.start('sleep 1000').ended;
    const refused = assert.rejects(waits, /the machine ended/);
    await machine.stop();
    await refused;
    await assert.rejects(machine.shell('true'), /the machine ended/);
  });
});
