import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.ts';
import { DebianCache } from './package-cache.ts';
import { say } from './say.ts';

/** The kernel's own signer: from the package that its headers come with, fetched once. Throws `PartsMissing`. */
export async function kernelSignFile(cache = new DebianCache(cacheFolder('vm'), say)): Promise<string> {
  return join(await cache.folderOf('linux-kbuild-6.1'), 'usr/lib/linux-kbuild-6.1/scripts/sign-file');
}
