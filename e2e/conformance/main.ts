// `npm run e2e:conformance`: the same promises on the embedded control plane and on a real one.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planeVariable } from '../world/plane-choice.ts';
import { readOptions, usage } from './options.ts';

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`${options}\n\n${usage}`);
  process.exit(2);
}
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const { plane, grep } = options;
const mocha = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url));
const folder = import.meta.dirname;
const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
// Not the configuration of `npm test`, which names its own files. One after the other: a real plane takes both cores.
const words = ['--no-config', '--forbid-only', '--reporter', 'spec', '--timeout', '120000'];
// A first build of the real one takes minutes, which are not counted against a test's time.
if (plane === 'real') words.push('--require', join(folder, '../world/control-plane/prepare.ts'));
if (grep !== undefined) words.push('--grep', grep);
const run = spawnSync(process.execPath, [mocha, ...words, ...files.map((name) => join(folder, name))], {
  stdio: 'inherit',
  env: { ...process.env, [planeVariable]: plane },
});
process.exit(run.status ?? 1);
