import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `docs/operations/metrics.md` and the code say the same: read from both as text, so that no program need be started. */
const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/operations/metrics.md'), 'utf8');
const sources = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'hub', 'shared', 'spoke'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && existsSync(join(root, file)))
  .map((file) => readFileSync(join(root, file), 'utf8'));

const declaration =
  /(?:\.(counter|gauge|histogram)|new (Counter|Gauge|Histogram))\(\{\s*name: '(\w+)',\s*help: '([^']+)',?(?:\s*labels: \[([^\]]*)\])?/g;

/** Rows as the page must have them: name, type, labels, meaning. */
const declared = sources.flatMap((source) =>
  [...source.matchAll(declaration)].map(([, method, type = method, name, help, labels = '']) => {
    const names = [...labels.matchAll(/'(\w+)'/g)].map(([, label]) => `\`${label}\``);
    return `| \`${name}\` | ${type?.toLowerCase()} | ${names.join(', ') || '-'} | ${help} |`;
  }),
);

describe('the page of metrics', () => {
  it('lists what the programs measure, and nothing else', () => {
    const listed = page.split('\n').filter((line) => /^\| `\w+` \| (counter|gauge|histogram) /.test(line));
    assert.deepEqual([...listed].sort(), [...declared].sort());
  });

  it('sees every meter that is made', () => {
    const made = sources.flatMap((source) => [
      ...source.matchAll(/meters(?: \?\? silentMeters)?\)?\s*\.(?:counter|gauge|histogram)\(/g),
    ]);
    assert.equal(made.length, declared.filter((row) => !row.startsWith('| `process_')).length);
  });

  it('names only metrics that exist', () => {
    const known = declared.map((row) => /`(\w+)`/.exec(row)?.[1] ?? '');
    const named = [...page.matchAll(/\bkmm_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
    assert.deepEqual(
      [...new Set(named)].filter((name) => !known.includes(name) && name !== 'kmm_preflight_num'),
      [],
    );
  });
});
