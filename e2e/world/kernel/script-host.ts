import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, type FileHandle, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../eventually.ts';
import { type Kernel, type KernelConfig, startKernel } from './kernel.ts';
import { koFile, modulesDep, parseKo, vermagicOf } from './ko.ts';
import { modprobeProgram, modprobeScript } from './modprobe-script.ts';
import { ScriptContainer, type ScriptEnd } from './script-container.ts';

const loaderScript = fileURLToPath(new URL('../../../spoke/module-loader/script/loader.sh', import.meta.url));
const imagePath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** A shell of this machine that can run the loader: its command, to be followed by the script. */
export interface Shell {
  name: string;
  command: readonly string[];
}

/** `/bin/sh` always; busybox, the shell of production, where this machine has it. */
export function shellsOfThisMachine(): Shell[] {
  const busybox = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'busybox'))
    .find(existsSync);
  const shells = [{ name: 'sh', command: ['/bin/sh'] }];
  return busybox === undefined ? shells : [...shells, { name: 'busybox', command: [busybox, 'sh'] }];
}

export interface ImageFile {
  name: string;
  depends?: readonly string[];
  signedBy?: string;
  /** The kernel that it was built for; default: the image's. */
  release?: string;
}

export interface ImageOptions {
  /** Folder below `/opt/lib/modules`; default: the running kernel without `+`. */
  kernel?: string;
  modules: readonly ImageFile[];
  /** Files below `/firmware`. */
  firmware?: Record<string, string>;
  modulesDep?: boolean;
  modprobe?: boolean;
}

/** What the spoke gives a loader pod, by the contract's defaults. */
export interface LoaderSpec {
  module?: string;
  hash?: string;
  kernel?: string;
  moduleName?: string;
  order?: readonly string[];
  inTree?: readonly string[];
  firmware?: string;
  /** What the kernel is told to look for firmware in. */
  searchPath?: string;
  parameters?: readonly string[];
  /** False: nothing of this machine in PATH, as in production. Only busybox brings its own commands. */
  hostPath?: boolean;
  /** modprobe's arguments for `run`, where the usual ones will not do. */
  load?: readonly string[];
  raw?: { load: readonly string[]; unload: readonly string[] };
}

export type Verb = 'run' | 'unload' | 'unload-any' | 'look' | 'ready';

/** A node with nothing but the modelled kernel, on which loader scripts run in images' root folders without a kubelet. */
export class ScriptHost {
  readonly folder: string;
  readonly kernel: Kernel;
  readonly shell: Shell;
  #images = 0;
  readonly #containers = new Set<ScriptContainer>();
  readonly #gates: FileHandle[] = [];

  private constructor(folder: string, kernel: Kernel, shell: Shell) {
    this.folder = folder;
    this.kernel = kernel;
    this.shell = shell;
  }

  static async start(shell: Shell, config: KernelConfig, random: () => number): Promise<ScriptHost> {
    const folder = await mkdtemp(join(tmpdir(), 'kmm-host-'));
    const kernel = await startKernel({ folder: join(folder, 'node'), random, ...config });
    await mkdir(join(folder, 'node/var/lib/firmware'), { recursive: true });
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin/sleep'), standInSleep, { mode: 0o755 });
    return new ScriptHost(folder, kernel, shell);
  }

  async stop(): Promise<void> {
    for (const container of this.#containers) await container.kill('SIGKILL');
    for (const pipe of this.#gates) await pipe.close();
    await this.kernel.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A path on the node. */
  path(path: string): string {
    return join(this.folder, 'node', path);
  }

  /** Makes the root folder of a module image, with the loader pod's mounts as links. */
  async image(options: ImageOptions): Promise<string> {
    const root = join(this.folder, `image-${++this.#images}`);
    const kernel = options.kernel ?? this.kernel.release.replace(/\+$/, '');
    const files = new Map(
      options.modules.map(({ name, release, ...rest }) => {
        const vermagic = vermagicOf(release ?? (options.kernel === undefined ? this.kernel.release : kernel));
        return [`extra/${name}.ko`, koFile({ name, vermagic, ...rest })] as const;
      }),
    );
    const modules = join(root, 'opt/lib/modules', kernel);
    for (const [path, bytes] of files) await put(join(modules, path), bytes);
    const dep = modulesDep(new Map([...files].map(([path, bytes]) => [path, parseKo(bytes)!])));
    if (options.modulesDep !== false) await put(join(modules, 'modules.dep'), dep);
    for (const [path, text] of Object.entries(options.firmware ?? {})) await put(join(root, 'firmware', path), text);
    await put(join(root, 'dev/termination-log'), '');
    if (options.modprobe !== false) {
      await put(join(root, 'usr/sbin/modprobe'), modprobeScript);
      await chmod(join(root, 'usr/sbin/modprobe'), 0o755);
    }
    for (const mount of [
      'proc',
      'lib/modules',
      'run/kmm',
      'var/lib/firmware',
      'sys/module/firmware_class/parameters',
    ]) {
      await mkdir(this.path(mount), { recursive: true });
      await mkdir(dirname(join(root, mount)), { recursive: true });
      await symlink(this.path(mount), join(root, mount));
    }
    return root;
  }

  /** Starts a verb of the script; the softdep file is there as the downward API would put it. */
  async start(image: string, verb: Verb, spec: LoaderSpec): Promise<ScriptContainer> {
    await mkdir(this.path('run/kmm'), { recursive: true });
    const order = (spec.order ?? []).map((name, index, all) =>
      all[index + 1] ? `softdep ${name} pre: ${all[index + 1]}\n` : '',
    );
    await put(join(image, 'etc/modprobe.d/softdep.conf'), order.join(''));
    const [command = '', ...words] = this.shell.command;
    const child = spawn(command, [...words, loaderScript, verb, ...modprobeArguments(verb, spec)], {
      env: {
        ...loaderEnvironment(this.kernel, spec),
        ROOT: image,
        PATH: spec.hostPath === false ? '' : [join(this.folder, 'bin'), imagePath, process.env['PATH']].join(':'),
        SLEEPS: join(this.folder, 'sleeps'),
        SLEEPS_OWNER: String(process.pid),
        KMM_WORLD_NODE: process.execPath,
        KMM_WORLD_MODPROBE: modprobeProgram,
        KMM_WORLD_KERNEL: this.kernel.socketPath,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const container = new ScriptContainer(child, image);
    this.#containers.add(container);
    return container;
  }

  /** Runs a verb that ends. */
  async call(image: string, verb: Verb, spec: LoaderSpec): Promise<ScriptEnd> {
    return (await this.start(image, verb, spec)).ended;
  }

  /** `run` until it has loaded; then it stays until it is stopped. Throws when it ends instead. */
  async load(image: string, spec: LoaderSpec): Promise<ScriptContainer> {
    const container = await this.start(image, 'run', spec);
    await container.loaded();
    return container;
  }

  /** Durations that were slept, in order. */
  async sleeps(): Promise<string[]> {
    const file = join(this.folder, 'sleeps');
    return existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n') : [];
  }

  /** From now on sleeps of `seconds` last until a `tick`, each of which waits for a sleep and ends it. */
  async gate(seconds: number): Promise<{ tick(): Promise<void> }> {
    const file = join(this.folder, `sleeps.${seconds}`);
    execFileSync('mkfifo', [file]);
    const pipe = await open(file, 'r+'); // both ends: what is written stays there until a sleep reads it
    this.#gates.push(pipe);
    let ended = (await this.#sleepsOf(seconds)).length;
    return {
      tick: async () => {
        await eventually(`a sleep of ${seconds} s`, async () => (await this.#sleepsOf(seconds)).length > ended);
        ended++;
        await pipe.write('\n');
      },
    };
  }

  async #sleepsOf(seconds: number): Promise<string[]> {
    return (await this.sleeps()).filter((slept) => slept === String(seconds));
  }
}

/** By the contract: modprobe's complete argument list for a verb. */
export function modprobeArguments(verb: Verb, spec: LoaderSpec): readonly string[] {
  const name = spec.moduleName ?? 'kmm_ci_a';
  if (verb === 'ready' || verb === 'look') return [];
  if (verb === 'run') return spec.raw?.load ?? spec.load ?? ['-v', '-d', '/opt', name, ...(spec.parameters ?? [])];
  return spec.raw?.unload ?? ['-rv', '-d', '/opt', ...(spec.order ?? [name])];
}

function loaderEnvironment(kernel: Kernel, spec: LoaderSpec): Record<string, string> {
  return {
    KMM_MODULE: spec.module ?? 'ns.ci',
    KMM_HASH: spec.hash ?? '0123456789abcdef',
    KMM_KERNEL: spec.kernel ?? kernel.release.replace(/\+$/, ''),
    KMM_DIR: '/opt',
    KMM_MODULE_NAME: spec.raw === undefined ? (spec.moduleName ?? 'kmm_ci_a') : '',
    KMM_ORDER: (spec.order ?? []).join(' '),
    KMM_IN_TREE: (spec.inTree ?? []).join(' '),
    KMM_FIRMWARE: spec.firmware ?? '',
    ...(spec.searchPath !== undefined && { KMM_FIRMWARE_SEARCH_PATH: spec.searchPath }),
    ...(spec.raw !== undefined && { KMM_RAW: '1' }),
  };
}

async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** Notes its duration; waits only where a test has made a gate for it, or for the loop of `run`. Ends a script whose test is gone. */
const standInSleep = `#!/bin/sh
kill -0 "$SLEEPS_OWNER" 2>/dev/null || kill -KILL "$PPID"
echo "$1" >>"$SLEEPS"
if [ -p "$SLEEPS.$1" ]; then read -r _ <"$SLEEPS.$1" || :; elif [ "$1" = 30 ]; then exec /bin/sleep 600; fi
`;
