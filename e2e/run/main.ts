// `npm run e2e`: the journeys, the conformance suite and what only a real control plane shows, on Kubernetes' own programs.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { errorMessage } from '../../shared/core/errors.ts';
import { prepareControlPlanes } from '../world/control-plane/prepare.ts';
import { planeVariable } from '../world/plane-choice.ts';
import { usesVariable } from '../world/rights/uses.ts';
import { optionsOf } from './options.ts';
import { reportVariable, tableOf } from './report.ts';
import { rightsLines } from './rights.ts';

const root = join(import.meta.dirname, '../..');
const options = optionsOf(process.argv.slice(2), testFiles());
if (options.kind === 'stop') {
  console.error(options.text);
  process.exit(options.code);
}
process.exit(await run(options));

function testFiles(): string[] {
  const places = [
    { folder: 'e2e/journeys', name: /\.(?:test|real)\.ts$/ },
    { folder: 'e2e/conformance', name: /\.test\.ts$/ },
    { folder: 'e2e/world/control-plane', name: /\.real\.ts$/ },
  ];
  return places.flatMap(({ folder, name }) =>
    readdirSync(join(root, folder))
      .filter((file) => name.test(file))
      .map((file) => `${folder}/${file}`),
  );
}

async function run({ plane, files, all, jobs, grep }: Extract<typeof options, { kind: 'run' }>): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-e2e-'));
  try {
    if (plane === 'real') await prepareControlPlanes();
    const report = join(folder, 'report');
    const uses = join(folder, 'rights');
    const environment = { ...process.env, [planeVariable]: plane, [reportVariable]: report, [usesVariable]: uses };
    const parallel = jobs > 1 ? ['--parallel', '--jobs', String(jobs)] : ['--no-parallel'];
    const config = relative(root, join(import.meta.dirname, 'mocharc.json'));
    const mocha = spawnSync(
      'mocha',
      ['--config', config, ...parallel, ...(grep === undefined ? [] : ['--grep', grep]), ...files],
      {
        cwd: root,
        stdio: 'inherit',
        env: environment,
      },
    );
    console.log(tableOf(report, plane));
    if (plane !== 'real') return mocha.status ?? 1;
    const rights = rightsLines(uses, all);
    console.log(rights.lines.join('\n'));
    return mocha.status === 0 && rights.good ? 0 : 1;
  } catch (error) {
    console.error(`e2e: ${errorMessage(error)}`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
