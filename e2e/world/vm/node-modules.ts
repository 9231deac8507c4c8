import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Lifeline } from '../control-plane/lifeline.ts';
import { type LayerEntry, tarOf } from '../registry/oci-image.ts';
import { callKmod } from './kmod.ts';
import type { KernelParts, Parts } from './packages.ts';

/** `/lib/modules/<release>` of a node as an archive: these modules of the distribution, what says which are built in, and depmod's work. */
export async function nodeModules(options: {
  parts: Parts;
  kernel: KernelParts;
  names: readonly string[];
  lifeline: Lifeline;
}): Promise<Buffer> {
  const { parts, kernel, names, lifeline } = options;
  const base = mkdtempSync(join(lifeline.folder, 'modules-'));
  const folder = join(base, 'lib/modules', kernel.release);
  mkdirSync(folder, { recursive: true });
  const wanted = filesBelow(kernel.modules).filter((path) =>
    path.endsWith('.ko') ? names.includes(basename(path, '.ko')) : /^modules\.(?:builtin|order)/.test(path),
  );
  for (const path of wanted) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(join(kernel.modules, path), join(folder, path));
  }
  await callKmod(parts, 'depmod', ['-b', base, kernel.release]);
  return tarOf(filesBelow(folder).map((path): LayerEntry => ({ path, content: readFileSync(join(folder, path)) })));
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
