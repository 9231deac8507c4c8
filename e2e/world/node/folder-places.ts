import { mkdir, open, rm } from 'node:fs/promises';
import type { Kernel } from '../kernel/kernel.ts';
import { hostCommand } from './command.ts';
import {
  type ContainerPlace,
  type ContainerPlaces,
  containerEnvironment,
  containerPath,
  type StartOptions,
} from './container-place.ts';
import type { ImageStore } from './image-store.ts';
import { placeLink, placeMounts, placeTerminationLog } from './mounts.ts';
import type { Processes } from './processes.ts';
import { pathFor, type StandIns } from './stand-ins.ts';

/** Containers as processes of this machine, each with a root folder instead of a root file system. */
export class FolderPlaces implements ContainerPlaces {
  readonly #options: { kernel: Kernel; images: ImageStore; processes: Processes; standIns: StandIns };

  constructor(options: { kernel: Kernel; images: ImageStore; processes: Processes; standIns: StandIns }) {
    this.#options = options;
  }

  async make({ folder, ...options }: StartOptions & { folder: string }): Promise<ContainerPlace> {
    const { spec, image } = options;
    const { images, processes } = this.#options;
    const rootfs = `${folder}/rootfs`;
    await mkdir(folder, { recursive: true });
    await images.copyTo(image, rootfs);
    const terminationLog = await this.#placeFiles(options, folder, rootfs);
    const environment = this.#environment(options, rootfs);
    const path = containerPath(options);
    const workingFolder = rootfs + (spec.workingDir ?? image.config.WorkingDir ?? '');
    return {
      spawn: async (argv, onOutput) => {
        const command = hostCommand({ rootfs, argv, path });
        return processes.start({ argv: command, folder: workingFolder, environment, onOutput });
      },
      terminationLog: (bytesMax) => tailOf(terminationLog, bytesMax),
    };
  }

  async remove(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
  }

  async #placeFiles({ spec, pod, volumes }: StartOptions, folder: string, rootfs: string): Promise<string> {
    const hostVolumes = new Set((pod.spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name));
    await placeLink(rootfs, '/proc', this.#options.kernel.procFolder);
    await placeMounts({ rootfs, folder, container: spec, volumes, hostVolumes });
    await mkdir(rootfs + (spec.workingDir ?? '/'), { recursive: true });
    return placeTerminationLog(rootfs, folder, spec.terminationMessagePath ?? '/dev/termination-log');
  }

  #environment(options: StartOptions, rootfs: string): Record<string, string> {
    return {
      HOME: rootfs,
      ...containerEnvironment(options),
      ...this.#options.standIns.environment,
      ROOT: rootfs,
      PATH: pathFor(this.#options.standIns, rootfs, containerPath(options)),
    };
  }
}

async function tailOf(file: string, bytesMax: number): Promise<string> {
  // A program may have taken its termination log away: then there is no message.
  const handle = await open(file).catch(absent);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, bytesMax);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await handle.close();
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
