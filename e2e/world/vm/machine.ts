import type { ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import type { Lifeline } from '../control-plane/lifeline.ts';
import { AgentLine, type ScriptEnd } from './agent-line.ts';
import { commandLine, writeBootPartition, writeInitrd } from './boot-image.ts';
import { withEnrolled, withMokList } from './firmware-variables.ts';
import type { KernelParts, Parts } from './packages.ts';
import { quoted } from './quoted.ts';

/** Two cores that others use too: what takes 10 s alone. */
const patienceMs = 120_000;
const lookAgainMs = 100;
/** What the firmware says when it refused all that it could start; then it waits for a key. */
const nothingToStart = 'No bootable option or device was found';
const memoryMb = 768;
const diskBytes = 4 * 1024 ** 3;
const block = 1024 ** 2;

export interface MachineOptions {
  parts: Parts;
  kernel: KernelParts;
  /** UEFI firmware that enforces Secure Boot; else the kernel is started by a BIOS. */
  secureBoot: boolean;
  /** Certificates (DER) in the firmware's db, beside its own. */
  enrolled?: readonly Buffer[];
  /**
   * Certificates (DER) of the machine's owner (MokList). Firmware with Microsoft's keys then starts Debian's shim, and shim
   * starts the kernel, whose signer is in MokList too.
   */
  mok?: readonly Buffer[];
  /** False: the program that the firmware is to start has no signature. */
  bootSigned?: boolean;
  /** The machine ends with it. */
  lifeline: Lifeline;
}

/** A virtual machine with a real kernel, an agent, and no network. */
export interface Machine {
  readonly kernel: KernelParts;
  /** From the start of QEMU to the agent's greeting. */
  readonly bootMs: number;
  /** Runs a shell script; throws when it ends with another code than 0. Returns what it printed. */
  shell(script: string): Promise<string>;
  /** Starts a shell script that may take long or fail. `id` is in its environment as $ID. */
  start(script: string): { id: string; ended: Promise<ScriptEnd> };
  /** Unpacks an archive (tar) into a folder, over the machine's disk: 32 MB take a second. */
  unpack(archive: Buffer, folder: string): Promise<void>;
  /** What the kernel and the firmware printed. */
  console(): string;
  /** Power off, at once; nothing happens to one that is off. */
  stop(): Promise<void>;
  /** Power off and start with this kernel: the firmware's variables stay, all else is as new. */
  reboot(kernel: KernelParts): Promise<Machine>;
}

/** Starts a machine; resolves when its agent answers. Throws, with its console, when it does not come up. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const folder = nextFolder(options.lifeline.folder);
  if (options.secureBoot) writeFileSync(join(folder, 'variables.fd'), freshVariables(options));
  return boot(options, folder);
}

function freshVariables({ parts: { firmware, shim }, enrolled = [], mok }: MachineOptions): Buffer {
  const variables = withEnrolled(readFileSync(mok ? shim.variables : firmware.variables), enrolled);
  return mok
    ? withMokList(variables, [new X509Certificate(readFileSync(firmware.certificate)).raw, ...mok])
    : variables;
}

async function boot(options: MachineOptions, folder: string): Promise<Machine> {
  const { parts, kernel, lifeline } = options;
  const disk = openSync(join(folder, 'disk'), 'w');
  ftruncateSync(disk, diskBytes);
  const bootArguments = options.secureBoot ? await secureArguments(options, folder) : plainArguments(options, folder);
  const began = systemClock.now();
  const child = lifeline.start(parts.qemu, {
    arguments: [...commonArguments(folder), ...bootArguments],
    environment: { PATH: process.env['PATH'] },
    log: `${folder.slice(lifeline.folder.length + 1)}/qemu.log`,
  });
  const ended = once(child, 'exit');
  const consoleText = () => readIfThere(join(folder, 'console'));
  const line = await AgentLine.open(join(folder, 'agent'), ended);
  void ended.then(() =>
    line.close(new Error(`the machine ended: ${readIfThere(join(folder, 'qemu.log'))}${lastOf(consoleText())}`)),
  );
  await greeting(line, child, { consoleText, limitMs: patienceMs });
  const bootMs = systemClock.now() - began;
  let used = 0;
  let open = true;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
    if (open) closeSync(disk);
    open = false;
  };
  const machine: Machine = {
    kernel,
    bootMs,
    start: (script) => line.start(script),
    async shell(script) {
      const { code, output, errors } = await line.start(script).ended;
      if (code !== 0)
        throw new Error(`expected ${JSON.stringify(script)} to end with 0, got ${code}: ${errors}${output}`);
      return output;
    },
    async unpack(archive, target) {
      // Each archive at a place of its own, read past the kernel's cache: it may have read ahead before we wrote.
      const from = used;
      const count = Math.ceil(archive.length / block);
      used += count;
      writeSync(disk, archive, 0, archive.length, from * block);
      const read = `dd if=/dev/disk bs=${block} skip=${from} count=${count} iflag=direct 2>/dev/null`;
      await machine.shell(`mkdir -p ${quoted(target)} && ${read} | tar -x -f - -C ${quoted(target)}`);
    },
    console: consoleText,
    stop,
    async reboot(next) {
      await stop();
      const fresh = nextFolder(lifeline.folder);
      if (options.secureBoot) copyFileSync(join(folder, 'variables.fd'), join(fresh, 'variables.fd'));
      return boot({ ...options, kernel: next }, fresh);
    },
  };
  return machine;
}

async function greeting(
  line: AgentLine,
  child: ChildProcess,
  { consoleText, limitMs }: { consoleText: () => string; limitMs: number },
): Promise<void> {
  const began = systemClock.now();
  let greeted = false;
  const hello = line.hello.then(() => (greeted = true));
  while (!greeted) {
    if (consoleText().includes(nothingToStart) || systemClock.now() - began > limitMs) {
      child.kill('SIGKILL');
      throw new Error(`expected the machine's agent within ${limitMs / 1000} s, got: ${lastOf(consoleText())}`);
    }
    await Promise.race([hello, sleep(systemClock, lookAgainMs)]);
  }
}

/** `tcg`: /dev/kvm may be there and hang. */
function commonArguments(folder: string): string[] {
  return [
    ...['-accel', 'tcg,thread=multi', '-m', String(memoryMb), '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-nic', 'none', '-no-reboot', '-serial', `file:${join(folder, 'console')}`],
    ...['-drive', `if=none,id=disk,file=${join(folder, 'disk')},format=raw,readonly=on`],
    ...['-device', 'virtio-blk-pci,drive=disk,serial=images', '-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=agent,path=${join(folder, 'agent')},server=on,wait=off`],
    ...['-device', 'virtserialport,chardev=agent,name=agent'],
  ];
}

function plainArguments(options: MachineOptions, folder: string): string[] {
  const initrd = writeInitrd({ ...options, folder });
  return ['-machine', 'q35', '-kernel', options.kernel.vmlinuz, '-initrd', initrd, '-append', commandLine];
}

/** Secure Boot holds only where nothing but the firmware's own mode (SMM) can write the variables. */
async function secureArguments(options: MachineOptions, folder: string): Promise<string[]> {
  const signing = { signed: options.bootSigned ?? true, byShim: options.mok !== undefined };
  const partition = await writeBootPartition({ ...options, folder, ...signing });
  return [
    ...['-machine', 'q35,smm=on', '-global', 'ICH9-LPC.disable_s3=1'],
    ...['-global', 'driver=cfi.pflash01,property=secure,value=on'],
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${options.parts.firmware.code}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${join(folder, 'variables.fd')}`],
    ...['-drive', `if=none,id=boot,format=raw,readonly=on,file=fat:${partition}`],
    ...['-device', 'virtio-blk-pci,drive=boot,bootindex=0'],
  ];
}

function nextFolder(parent: string): string {
  let number = 1;
  while (existsSync(join(parent, `machine-${number}`))) number++;
  const folder = join(parent, `machine-${number}`);
  mkdirSync(folder);
  return folder;
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function lastOf(text: string): string {
  return text.slice(-2000);
}
