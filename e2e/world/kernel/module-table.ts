import type { KoInfo } from './ko.ts';
import { moduleName } from './module-name.ts';

/** Errors of the system calls, as the kernel names them. */
export type Errno = 'EAGAIN' | 'EEXIST' | 'EKEYREJECTED' | 'ENOENT' | 'ENOEXEC' | 'ENOKEY' | 'EPERM';

export interface LoadedModule {
  name: string;
  /** Module parameters as given to the kernel. */
  parameters: string;
  /** References: one for each holder, one for each `hold()`. */
  useCount: number;
  /** Loaded modules that need this one. */
  holders: readonly string[];
  outOfTree: boolean;
}

export interface KernelRules {
  release: string;
  /** Names of modules that are part of the kernel itself. */
  builtIn: ReadonlySet<string>;
  /** Secure Boot: only modules signed by one of these load; `undefined`: signatures do not matter. */
  trustedSigners: ReadonlySet<string> | undefined;
  /** What the kernel answers to a signature that it does not trust: it differs by version and lockdown. */
  signatureErrno: Errno;
}

interface Entry {
  name: string;
  parameters: string;
  depends: readonly string[];
  externalUses: number;
  outOfTree: boolean;
}

/** What one boot of the modelled kernel has loaded: `finit_module` and `delete_module`, nothing else. */
export class ModuleTable {
  readonly #rules: KernelRules;
  readonly #entries = new Map<string, Entry>();

  constructor(rules: KernelRules) {
    this.#rules = rules;
  }

  insert(module: KoInfo | undefined, parameters: string, outOfTree: boolean): Errno | undefined {
    if (module === undefined) return 'ENOEXEC';
    const { builtIn, release, trustedSigners, signatureErrno } = this.#rules;
    if (trustedSigners !== undefined && !(module.signedBy !== undefined && trustedSigners.has(module.signedBy))) {
      return signatureErrno;
    }
    if (module.vermagic.split(' ')[0] !== release) return 'ENOEXEC';
    const name = moduleName(module.name);
    if (this.#entries.has(name) || builtIn.has(name)) return 'EEXIST';
    const depends = module.depends.map(moduleName).filter((depend) => !builtIn.has(depend));
    if (depends.some((depend) => !this.#entries.has(depend))) return 'ENOENT';
    this.#entries.set(name, { name, parameters, depends, externalUses: 0, outOfTree });
    return undefined;
  }

  remove(requested: string): Errno | undefined {
    const name = moduleName(requested);
    const entry = this.#entries.get(name);
    if (entry === undefined) return 'ENOENT';
    if (entry.externalUses > 0 || this.#holders(name).length > 0) return 'EAGAIN';
    this.#entries.delete(name);
    return undefined;
  }

  /** Changes the number of users that are no modules (an open device, a mount); false when it is not loaded. */
  addUses(requested: string, count: number): boolean {
    const entry = this.#entries.get(moduleName(requested));
    if (entry === undefined) return false;
    entry.externalUses = Math.max(0, entry.externalUses + count);
    return true;
  }

  /** Newest first, as `/proc/modules` lists them. */
  list(): LoadedModule[] {
    return [...this.#entries.values()].reverse().map((entry) => {
      const holders = this.#holders(entry.name);
      const { name, parameters, outOfTree } = entry;
      return { name, parameters, outOfTree, holders, useCount: entry.externalUses + holders.length };
    });
  }

  #holders(name: string): string[] {
    return [...this.#entries.values()].filter((entry) => entry.depends.includes(name)).map((entry) => entry.name);
  }
}
