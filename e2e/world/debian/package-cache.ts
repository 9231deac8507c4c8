import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../../../shared/core/errors.ts';
import type { Say } from '../control-plane/go.ts';
import { aloneWithApt, PartsMissing } from './programs.ts';
import { run } from './run.ts';

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
      await downloadPackages([name], part);
      const [archive] = readdirSync(part);
      if (archive === undefined) throw new PartsMissing(`expected apt-get download ${name} to give a file, got none`);
      const entry = `${name}_${archive.split('_')[1]}`;
      const root = join(part, 'root');
      await run('dpkg-deb', ['-x', join(part, archive), root]);
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

/** Downloads packages into a folder. Throws `PartsMissing`. */
export async function downloadPackages(names: readonly string[], folder: string): Promise<void> {
  // Into a folder of our own: apt's user could not write there, and the warning about it helps nobody.
  const quiet = ['-qq', '-o', 'APT::Sandbox::User=root'];
  const download = () => askArchive('apt-get', ['download', ...quiet, ...names], folder);
  try {
    await download();
  } catch (error) {
    if (!(error instanceof PartsMissing)) throw error;
    // Where there can be no new lists, it is the download that failed.
    await freshLists().catch(() => Promise.reject(error));
    await download();
  }
}

/** For a new machine, which has no package lists, and one with old ones. Throws `PartsMissing`. */
export function freshLists(): Promise<void> {
  return aloneWithApt(async () => void (await askArchive('apt-get', ['update', '-qq'])));
}

/** Runs one of apt's programs. Throws `PartsMissing` where it is not there, or has no lists or no network. */
export async function askArchive(program: string, arguments_: readonly string[], folder?: string): Promise<string> {
  try {
    return await run(program, arguments_, folder === undefined ? {} : { folder });
  } catch (error) {
    throw new PartsMissing(`expected Debian with its package lists, and its archive, got: ${errorMessage(error)}`);
  }
}
