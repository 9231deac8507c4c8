import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { staleFiles, writeFiles } from './files.ts';
import { outputs } from './outputs.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = fileURLToPath(new URL('main.ts', import.meta.url));

describe('npm run generate', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kmm-generate-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('finds the committed files current', () => {
    assert.deepEqual(staleFiles(root), []);
  });

  it('writes what is missing, then has nothing to do', () => {
    assert.deepEqual(
      writeFiles(folder).map(({ path, problem }) => `${path} ${problem}`),
      [...outputs().keys()].map((path) => `${path} missing`),
    );
    assert.deepEqual(writeFiles(folder), []);
  });

  it('gives the same bytes each time', () => {
    assert.deepEqual(outputs(), outputs());
  });

  it('--check exits 1 and names the file that was edited and the one that nothing generates', () => {
    writeFiles(folder);
    appendFileSync(join(folder, 'deploy/crds/modules.kmm.sigs.x-k8s.io.yaml'), '# edited\n');
    writeFileSync(join(folder, 'docs/reference/old-kind.md'), '');
    const check = spawnSync(process.execPath, [main, '--check', '--root', folder], { encoding: 'utf8' });
    assert.equal(check.status, 1);
    assert.match(check.stderr, /deploy\/crds\/modules\.kmm\.sigs\.x-k8s\.io\.yaml: not current/);
    assert.match(check.stderr, /docs\/reference\/old-kind\.md: unexpected/);
  });
});
