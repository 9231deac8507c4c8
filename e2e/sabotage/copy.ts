import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ownPackage = '@open-cluster-management';

/** Copies the working tree into the empty folder `to`. The installed packages are shared; our own package is the copy's. */
export function copyTree(to: string): void {
  const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', words, { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '');
  for (const file of files) {
    if (!existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(root, file), join(to, file));
  }
  const modules = join(to, 'node_modules');
  mkdirSync(join(modules, ownPackage), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== ownPackage) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  symlinkSync(join(to, 'shared/api-types'), join(modules, ownPackage, 'api-types'));
}
