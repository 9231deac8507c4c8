// `npm run verify`: all that a machine can see of a change without a world. Every check runs, also after a failed one.
import { spawnSync } from 'node:child_process';

const checks: readonly [name: string, command: string, ...args: string[]][] = [
  ['generated files are current', 'node', 'shared/api-types/generate/main.ts', '--check'],
  ['types', 'tsc', '--noEmit'],
  ['lint, format, order of imports', 'biome', 'ci', '--error-on-warnings', '--reporter=summary', '.'],
  ['tidy and unit tests', 'mocha', '--config', '.ci/unit.mocharc.json'],
];

let failed = 0;
for (const [name, command, ...args] of checks) {
  const run = spawnSync(command, args, { encoding: 'utf8' });
  console.log(`${run.status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (run.status === 0) continue;
  failed += 1;
  console.log(`${run.stdout ?? ''}${run.stderr ?? ''}${run.error ? String(run.error) : ''}`);
}
process.exit(failed === 0 ? 0 : 1);
