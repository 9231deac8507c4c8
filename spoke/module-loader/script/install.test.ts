import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shellsOfThisMachine } from '../../../e2e/world/kernel/script-host.ts';

const script = fileURLToPath(new URL('install.sh', import.meta.url));

for (const { name, command } of shellsOfThisMachine()) {
  describe(`the install script under ${name}`, () => {
    it('puts the shell and the loader where the module image’s container finds and may run them, again and again', async () => {
      const root = await mkdtemp(join(tmpdir(), 'kmm-install-'));
      await writeFile(join(root, 'busybox'), 'shell');
      await writeFile(join(root, 'loader.sh'), 'loader', { mode: 0o600 });
      await mkdir(join(root, 'kmm'));
      const [program = '', ...words] = command;
      for (let start = 0; start < 2; start++)
        execFileSync(program, [...words, script], { env: { ...process.env, ROOT: root } });
      assert.deepEqual((await readdir(join(root, 'kmm'))).sort(), ['busybox', 'loader.sh']);
      for (const [file, text] of [
        ['busybox', 'shell'],
        ['loader.sh', 'loader'],
      ] as const) {
        assert.equal(await readFile(join(root, 'kmm', file), 'utf8'), text);
        assert.equal((await stat(join(root, 'kmm', file))).mode & 0o777, 0o755);
      }
      await rm(root, { recursive: true });
    });
  });
}
