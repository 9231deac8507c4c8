import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { LayerEntry } from '../registry/oci-image.ts';

const execute = promisify(execFile);

/**
 * A program of this machine at a path of its own, with the libraries that it is linked to at the places where they are
 * looked for. `libraries`: a folder where some of them are found, beside the machine's own.
 */
export async function programWithLibraries(program: string, path: string, libraries?: string): Promise<LayerEntry[]> {
  const env = { PATH: process.env['PATH'], ...(libraries && { LD_LIBRARY_PATH: libraries }) };
  const { stdout } = await execute('ldd', [program], { env });
  const found = new Set([...stdout.matchAll(/(\/\S+\.so\S*) \(0x/g)].flatMap(([, each = '']) => each));
  return [executable(path, program), ...[...found].map((each) => executable(placeOf(each, libraries), each))];
}

/** What stands in a folder of ours is looked for where Debian has it. */
function placeOf(library: string, libraries: string | undefined): string {
  if (libraries === undefined || !library.startsWith(`${libraries}/`)) return library;
  return `/usr/lib/x86_64-linux-gnu${library.slice(libraries.length)}`;
}

function executable(path: string, from: string): LayerEntry {
  return { path, content: readFileSync(from), mode: 0o755 };
}
