/**
 * Stand-in for kmod's `modprobe`, run as a program in the modelled nodes: `node modprobe.ts <arguments>`. It reads what modprobe
 * reads (`modules.dep`, `modules.builtin`, softdep lines) below `ROOT`, asks the modelled kernel at `KMM_WORLD_KERNEL`, follows
 * kmod's order of loading and removing, and prints its messages. Few imports: it is started for every load.
 */
import { join } from 'node:path';
import { connectKernel, type KernelConnection } from './kernel-connection.ts';
import { joinParameters, type ModprobeArguments, parseModprobeArguments } from './modprobe-arguments.ts';
import {
  type KnownModule,
  pathUnderRoot,
  readBuiltIn,
  readModulesDep,
  readSoftdeps,
  type Softdep,
} from './module-folder.ts';
import { moduleName } from './module-name.ts';
import type { Errno } from './module-table.ts';

/** kmod prints what `strerror` says. */
const errnoText: Record<Errno, string> = {
  EAGAIN: 'Resource temporarily unavailable',
  EEXIST: 'File exists',
  EKEYREJECTED: 'Key was rejected by service',
  ENOENT: 'Unknown symbol in module, or unknown parameter (see dmesg)',
  ENOEXEC: 'Exec format error',
  ENOKEY: 'Required key not available',
  EPERM: 'Operation not permitted',
};

class Modprobe {
  readonly #options: ModprobeArguments;
  readonly #kernel: KernelConnection;
  readonly #root: string;
  readonly #folder: string;
  readonly #known: ReadonlyMap<string, KnownModule>;
  readonly #builtIn: ReadonlySet<string>;
  readonly #softdeps: ReadonlyMap<string, Softdep>;
  readonly #useCounts = new Map<string, number>();

  constructor(options: ModprobeArguments, kernel: KernelConnection, place: { root: string; runningRelease: string }) {
    this.#options = options;
    this.#kernel = kernel;
    this.#root = place.root;
    this.#folder = join(options.rootFolder || '/', 'lib/modules', options.release ?? place.runningRelease);
    this.#known = readModulesDep(place.root, this.#folder) ?? new Map();
    this.#builtIn = readBuiltIn(place.root, this.#folder);
    this.#softdeps = readSoftdeps(place.root);
  }

  async run(): Promise<boolean> {
    const { operands, remove, all } = this.#options;
    await this.#refresh();
    let succeeded = true;
    const names = remove || all ? operands : operands.slice(0, 1);
    const parameters = remove || all ? '' : joinParameters(operands.slice(1));
    for (const name of names) {
      const done = remove ? await this.#removeNamed(name) : await this.#loadNamed(name, parameters);
      succeeded &&= done;
    }
    return succeeded;
  }

  async #refresh(): Promise<void> {
    const { modules } = await this.#kernel.state();
    this.#useCounts.clear();
    for (const { name, useCount } of modules) this.#useCounts.set(name, useCount);
  }

  async #loadNamed(operand: string, parameters: string): Promise<boolean> {
    const name = moduleName(operand);
    if (this.#builtIn.has(name)) return true;
    const module = this.#known.get(name);
    if (module === undefined) return this.#fatal(`Module ${operand} not found in directory ${this.#folder}`);
    if (this.#useCounts.has(name))
      return !this.#options.firstTime || this.#failed(`could not insert '${name}': Module already in kernel`);
    const required = new Set([name, ...module.depends]);
    for (const next of this.#loadOrder(module, new Set())) {
      if (this.#useCounts.has(next.name)) continue;
      const errno = await this.#insert(next, next.name === name ? parameters : '');
      // Like kmod: what is only a soft dependency may fail, and what came in meanwhile is there.
      if (errno !== undefined && errno !== 'EEXIST' && required.has(next.name)) {
        return this.#failed(`could not insert '${name}': ${errnoText[errno]}`);
      }
    }
    return true;
  }

  async #insert(module: KnownModule, parameters: string): Promise<Errno | undefined> {
    if (this.#options.verbose) print(`insmod ${module.path} ${parameters}`);
    const errno = await this.#kernel.insert(pathUnderRoot(this.#root, module.path), parameters);
    await this.#refresh();
    return errno;
  }

  /** Dependencies, each with its soft ones around it, then the module with its own. */
  #loadOrder(module: KnownModule, visited: Set<string>): KnownModule[] {
    if (visited.has(module.name)) return [];
    visited.add(module.name);
    const around = (inner: KnownModule): KnownModule[] => {
      const { pre, post } = this.#softdepsOf(inner.name);
      const orders = (names: readonly KnownModule[]) => names.flatMap((name) => this.#loadOrder(name, visited));
      return [...orders(pre), inner, ...orders(post)];
    };
    return [...this.#modulesOf(module.depends), module].flatMap(around);
  }

  async #removeNamed(operand: string): Promise<boolean> {
    const name = moduleName(operand);
    if (!this.#known.has(name) && !this.#builtIn.has(name)) return this.#fatal(`Module ${operand} not found.`);
    return this.#remove(name, false);
  }

  async #remove(name: string, ignoreBuiltIn: boolean): Promise<boolean> {
    if (this.#builtIn.has(name)) return ignoreBuiltIn || this.#fatal(`Module ${name} is builtin.`);
    if (!this.#useCounts.has(name)) return !this.#options.firstTime || this.#fatal(`Module ${name} is not in kernel.`);
    const { pre, post } = this.#softdepsOf(name);
    for (const module of post.toReversed()) await this.#remove(module.name, true);
    if ((this.#useCounts.get(name) ?? 0) > 0) return this.#fatal(`Module ${name} is in use.`);
    if (!(await this.#delete(name))) return false;
    for (const module of this.#modulesOf(this.#known.get(name)?.depends ?? []).toReversed()) {
      if (this.#useCounts.get(module.name) === 0) await this.#delete(module.name);
    }
    for (const module of pre.toReversed()) await this.#remove(module.name, true);
    return true;
  }

  async #delete(name: string): Promise<boolean> {
    if (this.#options.verbose) print(`rmmod ${name}`);
    const errno = await this.#kernel.remove(name);
    await this.#refresh();
    return errno === undefined || this.#failed(`could not remove '${name}': ${errnoText[errno]}`);
  }

  #softdepsOf(name: string): { pre: KnownModule[]; post: KnownModule[] } {
    const { pre = [], post = [] } = this.#softdeps.get(name) ?? {};
    return { pre: this.#modulesOf(pre), post: this.#modulesOf(post) };
  }

  #modulesOf(names: readonly string[]): KnownModule[] {
    return names.map((name) => this.#known.get(name)).filter((module) => module !== undefined);
  }

  #fatal(text: string): false {
    if (!this.#options.quiet) process.stderr.write(`modprobe: FATAL: ${text}\n`);
    return false;
  }

  #failed(text: string): false {
    process.stderr.write(`modprobe: ERROR: ${text}\n`);
    return false;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  let options: ModprobeArguments;
  try {
    options = parseModprobeArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`modprobe: ${(error as Error).message}\n`);
    return 1;
  }
  if (options.operands.length === 0) {
    process.stderr.write('modprobe: ERROR: missing parameters. See -h.\n');
    return 1;
  }
  const kernel = await connectKernel(process.env['KMM_WORLD_KERNEL'] ?? '');
  const { release } = await kernel.state();
  const modprobe = new Modprobe(options, kernel, { root: process.env['ROOT'] ?? '', runningRelease: release });
  const succeeded = await modprobe.run();
  kernel.close();
  return succeeded ? 0 : 1;
}

process.exitCode = await main();
