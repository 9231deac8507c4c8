import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import {
  type ContainerPlace,
  type ContainerPlaces,
  containerEnvironment,
  containerPath,
  type StartOptions,
} from '../node/container-place.ts';
import type { Machine } from './machine.ts';
import { startProcess } from './machine-process.ts';
import { quoted } from './quoted.ts';

const execute = promisify(execFile);
const archiveBytesMax = 256 * 1024 ** 2;

export interface MachinePlacesOptions {
  /** The one that runs now. */
  readonly machine: () => Machine;
  /** Folder on this machine below which kubelet sees the node's files, and the one of pods: paths below are the same there. */
  readonly hostRoot: string;
  readonly podsFolder: string;
}

/**
 * Containers in a virtual machine: an image's files are sent there for each instance, volumes are bind mounts, programs run
 * by chroot as root. They have no namespaces of their own and every capability. What a pod's volumes hold (emptyDir too) is
 * gone after a reboot, as all of the machine's files are.
 */
export class MachinePlaces implements ContainerPlaces {
  readonly #options: MachinePlacesOptions;

  constructor(options: MachinePlacesOptions) {
    this.#options = options;
  }

  async make(options: StartOptions & { folder: string }): Promise<ContainerPlace> {
    try {
      return await this.#make(options);
    } catch (error) {
      // Kubelet tries again, each time at a place of its own: the machine's memory would fill.
      await this.remove(options.folder);
      throw error;
    }
  }

  async #make({ folder, ...options }: StartOptions & { folder: string }): Promise<ContainerPlace> {
    const machine = this.#options.machine();
    const { spec } = options;
    const root = `${this.#inMachine(folder)}/rootfs`;
    await machine.unpack(await archiveOf(options.image.rootfs), root);
    await this.#sendVolumes(machine, options);
    const terminationLog = `${root}/${spec.terminationMessagePath ?? '/dev/termination-log'}`;
    await machine.shell(
      ['set -e', ...systemMounts(root), ...this.#volumeMounts(root, options), `: >${quoted(terminationLog)}`].join(
        '\n',
      ),
    );
    const environment = { HOME: '/root', PATH: containerPath(options), ...containerEnvironment(options) };
    return {
      spawn: async (argv, onOutput) => startProcess(machine, { root, argv, environment, onOutput }),
      terminationLog: async (bytesMax) => {
        const read = machine.start(`tail -c ${bytesMax} ${quoted(terminationLog)} 2>/dev/null`).ended;
        // The machine went down under it: nobody reads it any more.
        return read.then(
          ({ output }) => output,
          () => '',
        );
      },
    };
  }

  async remove(folder: string): Promise<void> {
    const place = this.#inMachine(folder);
    const script = `
      cut -d ' ' -f 2 /proc/mounts | grep '^${place}/' | sort -r | while read -r mount; do umount -l "$mount"; done
      rm -rf ${quoted(place)}`;
    // A machine that is gone has taken its files along.
    await this.#options
      .machine()
      .start(script)
      .ended.catch(() => undefined);
  }

  /** What kubelet has written for the pod: all but folders of the node and those that are empty. */
  async #sendVolumes(machine: Machine, { pod, volumes }: StartOptions): Promise<void> {
    for (const { name, hostPath, emptyDir } of pod.spec.volumes ?? []) {
      const place = volumes.get(name);
      if (hostPath || emptyDir || place === undefined) continue;
      await machine.unpack(await archiveOf(place), this.#inMachine(place));
    }
  }

  #volumeMounts(root: string, { spec, volumes }: StartOptions): string[] {
    const mounts = [...(spec.volumeMounts ?? [])].sort((a, b) => a.mountPath.length - b.mountPath.length);
    return mounts.flatMap(({ name, mountPath, subPath, readOnly }) => {
      const place = posix.join(volumes.get(name) ?? '', subPath ?? '');
      const source = quoted(this.#inMachine(place));
      const target = quoted(root + posix.normalize(mountPath));
      const isFile = existsSync(place) && statSync(place).isFile();
      const make = isFile
        ? `mkdir -p ${quoted(posix.dirname(root + mountPath))}; [ -e ${target} ] || : >${target}`
        : `mkdir -p ${source} ${target}`;
      const bound = [make, `mount --bind ${source} ${target}`];
      // busybox looks for it in /proc/mounts, where it stands without the image's links (`/lib` is one in Debian's).
      return readOnly ? [...bound, `mount -o remount,bind,ro "$(readlink -f ${target})"`] : bound;
    });
  }

  /** The path in the machine of what kubelet calls by a path of ours. */
  #inMachine(path: string): string {
    const { hostRoot, podsFolder } = this.#options;
    if (path.startsWith(`${podsFolder}/`)) return `/var/lib/kubelet/pods${path.slice(podsFolder.length)}`;
    if (path.startsWith(`${hostRoot}/`)) return path.slice(hostRoot.length);
    throw new Error(`expected a path of the node, got ${path}`);
  }
}

/** As a container runtime does it: `/dev` is a file system of its own, with what every program expects. */
function systemMounts(root: string): string[] {
  const at = (path: string) => quoted(root + path);
  const devices = ['null', 'zero', 'full', 'random', 'urandom'];
  return [
    `mkdir -p ${at('/proc')} ${at('/sys')} ${at('/dev')} ${at('/tmp')}`,
    `mount -t proc proc ${at('/proc')}`,
    `mount --bind /sys ${at('/sys')}`,
    `mount -t tmpfs dev ${at('/dev')}`,
    ...devices.map((name) => `cp -a /dev/${name} ${at('/dev')}`),
  ];
}

async function archiveOf(folder: string): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: archiveBytesMax } as const;
  return (await execute('tar', ['-C', folder, '--owner=0', '--group=0', '-c', '-f', '-', '.'], options)).stdout;
}
