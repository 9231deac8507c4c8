import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { staleFiles, writeFiles } from './files.ts';

/** `npm run generate`: writes CRDs and reference pages. With `--check` it writes nothing and exits 1 when one is stale. */
const { values } = parseArgs({ options: { check: { type: 'boolean' }, root: { type: 'string' } } });
const root = values.root ?? fileURLToPath(new URL('../../..', import.meta.url));

if (values.check) {
  const stale = staleFiles(root);
  for (const { path, problem } of stale) console.error(`${path}: ${problem}; run \`npm run generate\``);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const { path } of writeFiles(root)) console.log(path);
}
