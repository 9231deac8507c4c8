import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Say } from '../control-plane/go.ts';

const execute = promisify(execFile);
const outputBytesMax = 64 * 1024 * 1024;
/** Others may be installing at the moment. */
const lockWaitSeconds = 600;

/** What this machine cannot give: a test says it and is skipped, `npm run e2e` counts it. */
export class PartsMissing extends Error {
  override name = 'PartsMissing';
}

/** Debian's packages, unpacked into a cache folder `<package>_<version>` each: nothing of the machine is replaced. */
export class DebianCache {
  readonly #folder: string;
  readonly #say: Say;

  constructor(folder: string, say: Say) {
    this.#folder = folder;
    this.#say = say;
  }

  /** Names of packages that were unpacked before. */
  packages(): string[] {
    return existsSync(this.#folder)
      ? readdirSync(this.#folder).flatMap((name) => /^([^_]+)_/.exec(name)?.[1] ?? [])
      : [];
  }

  /** The folder of a package, which is fetched when it is not there. Throws `PartsMissing`. */
  async folderOf(name: string): Promise<string> {
    const there = existsSync(this.#folder)
      ? readdirSync(this.#folder).filter((entry) => entry.startsWith(`${name}_`))
      : [];
    return join(this.#folder, there.sort().at(-1) ?? (await this.#download(name)));
  }

  async #download(name: string): Promise<string> {
    this.#say(`fetching Debian's ${name} …`);
    mkdirSync(this.#folder, { recursive: true });
    const part = mkdtempSync(join(this.#folder, '.part-'));
    try {
      await apt(['download', name], part);
      const [archive] = readdirSync(part);
      if (archive === undefined) throw new PartsMissing(`expected apt-get download ${name} to give a file, got none`);
      const entry = `${name}_${archive.split('_')[1]}`;
      const root = join(part, 'root');
      await execute('dpkg-deb', ['-x', join(part, archive), root]);
      try {
        renameSync(root, join(this.#folder, entry));
      } catch (error) {
        // Another process was faster, and its folder is as good.
        if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
      return entry;
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
  }
}

/** Names of all packages that apt knows and that begin so. Throws `PartsMissing` where there is no apt. */
export async function packagesNamed(prefix: string): Promise<string[]> {
  const list = async () => (await run('apt-cache', ['pkgnames', prefix])).split('\n').filter((name) => name !== '');
  const known = await list();
  if (known.length > 0) return known;
  await apt(['update']);
  return list();
}

/** Installs a package on this machine; only for programs with many libraries, and only as root. Throws `PartsMissing`. */
export async function installPackage(name: string, say: Say): Promise<void> {
  if (process.getuid?.() !== 0) throw new PartsMissing(`expected Debian's package ${name}: install it, or run as root`);
  say(`installing Debian's ${name} …`);
  const arguments_ = ['install', '-y', '--no-install-recommends', '-o', `DPkg::Lock::Timeout=${lockWaitSeconds}`, name];
  await run('apt-get', arguments_);
}

async function apt(arguments_: readonly string[], folder?: string): Promise<void> {
  // Into a folder of our own: apt's user could not write there, and the warning about it helps nobody.
  await run('apt-get', ['-o', 'APT::Sandbox::User=root', ...arguments_], folder);
}

async function run(program: string, arguments_: readonly string[], folder?: string): Promise<string> {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    const options = { env: environment, maxBuffer: outputBytesMax, ...(folder && { cwd: folder }) };
    return (await execute(program, [...arguments_], options)).stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const said = stderr.trim().split('\n').at(-1) || message;
    throw new PartsMissing(
      `expected "${program} ${arguments_.join(' ')}" to work (Debian with its package lists), got: ${said}`,
    );
  }
}
