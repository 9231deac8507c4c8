import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { assert } from '../../../shared/core/assert.ts';
import {
  emptyFolder,
  type InTreeModule,
  inTreeKo,
  kernelSigner,
  writeLibModules,
  writeProc,
  writeProcModules,
} from './kernel-folder.ts';
import { parseKo } from './ko.ts';
import { moduleName } from './module-name.ts';
import { type Errno, type LoadedModule, ModuleTable } from './module-table.ts';
import type { KernelAnswer, KernelRequest } from './protocol.ts';
import { type SocketServer, serveSocket } from './socket.ts';

export type { InTreeModule } from './kernel-folder.ts';
export type { Errno, LoadedModule } from './module-table.ts';

export interface KernelConfig {
  release: string;
  inTree?: readonly InTreeModule[];
  /** Names of modules that are part of the kernel itself. */
  builtIn?: readonly string[];
  /** Secure Boot: only modules signed by one of these (or in-tree) load; without: signatures do not matter. */
  trustedSigners?: readonly string[];
  /** What the kernel answers to an untrusted signature; default ENOKEY ("Required key not available"). */
  signatureErrno?: Errno;
}

export interface KernelOptions extends KernelConfig {
  /** The node's root folder: `proc`, `lib/modules` and `run` in it are the kernel's. */
  folder: string;
  random: () => number;
}

/** One attempt to load or unload, in order, over all boots. */
export interface KernelEvent {
  bootId: string;
  call: 'insert' | 'remove';
  name: string;
  parameters: string;
  /** Why the kernel refused; absent when it was done. */
  errno?: Errno;
}

/** The modelled kernel of one node. What it has loaded is seen in `<folder>/proc/modules` before the caller's answer is sent. */
export interface Kernel {
  readonly folder: string;
  /** Unix socket for the stand-in modprobe: environment `KMM_WORLD_KERNEL`. */
  readonly socketPath: string;
  readonly procFolder: string;
  readonly libModulesFolder: string;
  readonly bootId: string;
  readonly release: string;
  readonly history: KernelEvent[];
  modules(): readonly LoadedModule[];
  /** `-` and `_` are equal. */
  isLoaded(name: string): boolean;
  /** A user that is no module takes the module (an open device). */
  hold(name: string): Promise<void>;
  releaseHold(name: string): Promise<void>;
  /** A foreign hand: the kernel loads (as in-tree, without checks) or drops a module outside of any modprobe. */
  forceLoad(name: string): Promise<void>;
  forceRemove(name: string): Promise<void>;
  /** Holds every insert and remove back until the returned function is called: a driver that takes long to start. */
  pause(): () => void;
  /** New boot id, no modules but in-tree ones that load at boot, empty `/run`. What is not given stays as it was. */
  reboot(changes?: Partial<KernelConfig>): Promise<void>;
  stop(): Promise<void>;
}

export async function startKernel(options: KernelOptions): Promise<Kernel> {
  const kernel = new ModelledKernel(options);
  await kernel.start();
  return kernel;
}

class ModelledKernel implements Kernel {
  readonly folder: string;
  readonly history: KernelEvent[] = [];
  bootId = '';
  #config: KernelConfig;
  #table: ModuleTable;
  #server: SocketServer | undefined;
  #socketFolder = '';
  #gate: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();
  readonly #random: () => number;

  constructor({ folder, random, ...config }: KernelOptions) {
    this.folder = folder;
    this.#random = random;
    this.#config = config;
    this.#table = tableOf(config);
  }

  get socketPath(): string {
    return join(this.#socketFolder, 'kernel');
  }
  get procFolder(): string {
    return join(this.folder, 'proc');
  }
  get libModulesFolder(): string {
    return join(this.folder, 'lib/modules');
  }
  get release(): string {
    return this.#config.release;
  }

  /** The socket is not below the node's folder: its path may have 107 bytes at most. */
  async start(): Promise<void> {
    this.#socketFolder = await mkdtemp(join(tmpdir(), 'kmm-kernel-'));
    await this.reboot();
    this.#server = await serveSocket<KernelRequest, KernelAnswer>(this.socketPath, (request) => this.#answer(request));
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    await rm(this.#socketFolder, { recursive: true, force: true });
  }

  modules(): readonly LoadedModule[] {
    return this.#table.list();
  }

  isLoaded(name: string): boolean {
    return this.modules().some((module) => module.name === moduleName(name));
  }

  hold(name: string): Promise<void> {
    assert(this.#table.addUses(name, 1), `expected ${name} to be loaded before something uses it`);
    return this.#writeModules();
  }

  releaseHold(name: string): Promise<void> {
    assert(this.#table.addUses(name, -1), `expected ${name} to be loaded while something uses it`);
    return this.#writeModules();
  }

  async forceLoad(name: string): Promise<void> {
    const errno = this.#table.insert(parseKo(inTreeKo({ name }, this.release)), '', false);
    assert(errno === undefined, `expected ${name} to load, got ${errno}`);
    await this.#writeModules();
  }

  async forceRemove(name: string): Promise<void> {
    const errno = this.#table.remove(name);
    assert(errno === undefined, `expected ${name} to go, got ${errno}`);
    await this.#writeModules();
  }

  pause(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  async reboot(changes: Partial<KernelConfig> = {}): Promise<void> {
    this.#config = { ...this.#config, ...changes };
    const { release, inTree = [], builtIn = [] } = this.#config;
    this.bootId = uuid(this.#random);
    this.#table = tableOf(this.#config);
    for (const module of inTree.filter(({ loaded }) => loaded)) {
      const errno = this.#table.insert(parseKo(inTreeKo(module, release)), '', false);
      assert(errno === undefined, `expected in-tree module ${module.name} to load at boot, got ${errno}`);
    }
    await emptyFolder(join(this.folder, 'run'));
    await writeLibModules(join(this.libModulesFolder, release), { release, inTree, builtIn });
    await writeProc(this.procFolder, { release, bootId: this.bootId });
    await this.#writeModules();
  }

  async #answer(request: KernelRequest): Promise<KernelAnswer> {
    if (request.call === 'state') return { state: { release: this.release, modules: this.modules() } };
    await this.#gate;
    const errno = request.call === 'insert' ? await this.#insert(request) : this.#remove(request.name);
    await this.#writeModules();
    return errno === undefined ? {} : { errno };
  }

  async #insert({ path, parameters }: { path: string; parameters: string }): Promise<Errno | undefined> {
    const module = parseKo(await readFile(path));
    const inTree = (await realpath(path)).startsWith((await realpath(this.libModulesFolder)) + sep);
    const errno = this.#table.insert(module, parameters, !inTree);
    this.#record({ call: 'insert', name: module?.name ?? path, parameters }, errno);
    return errno;
  }

  #remove(name: string): Errno | undefined {
    const errno = this.#table.remove(name);
    this.#record({ call: 'remove', name: moduleName(name), parameters: '' }, errno);
    return errno;
  }

  #record(event: Omit<KernelEvent, 'bootId' | 'errno'>, errno: Errno | undefined): void {
    this.history.push({ bootId: this.bootId, ...event, ...(errno !== undefined && { errno }) });
  }

  /** One after the other: each writes the table as it is then. */
  #writeModules(): Promise<void> {
    this.#writing = this.#writing.then(() => writeProcModules(this.procFolder, this.modules()));
    return this.#writing;
  }
}

function tableOf({ release, builtIn = [], trustedSigners, signatureErrno = 'ENOKEY' }: KernelConfig): ModuleTable {
  return new ModuleTable({
    release,
    builtIn: new Set(builtIn.map(moduleName)),
    trustedSigners: trustedSigners && new Set([...trustedSigners, kernelSigner]),
    signatureErrno,
  });
}

function uuid(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
