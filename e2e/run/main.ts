// `npm run e2e`: the journeys, the conformance suite and what only a real control plane shows, on Kubernetes' own programs.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { errorMessage } from '../../shared/core/errors.ts';
import { openLifeline } from '../world/control-plane/lifeline.ts';
import { prepareControlPlanes } from '../world/control-plane/prepare.ts';
import { currentRelease, releases } from '../world/control-plane/releases.ts';
import { type PlaneChoice, planeVariable } from '../world/plane-choice.ts';
import { usesVariable } from '../world/rights/uses.ts';
import { optionsOf, type Part } from './options.ts';
import { reportVariable, tableOf } from './report.ts';
import { rightsLines } from './rights.ts';

const root = join(import.meta.dirname, '../..');
/** Files that need the older release, too. */
const olderToo = /older-kubernetes|control-plane\.real/;
/** Long ones first, so that none of them is left alone at the end, and no two neighbours that mostly wait. What is not named takes seconds. */
const order = [
  'in-a-real-kernel vm-node openshift-real-builds build.real',
  'spoke-alone made-images rollout openshift-builds kubectl-kmm openshift.real spoke-trouble claims peer-schemas',
  'spoke-builds samples-of-a-cluster truth control-plane.real edits lists samples-of-a-hub registry-trouble',
  'older-kubernetes kubectl-built-in orphan garbage membership kubectl hostile-strings jobs telling custom-resources',
  'hub-jobs watch-starts node-life kubectl-describe upcoming watch main-job as-deployed in-kernel',
]
  .flatMap((line) => line.split(' '))
  .map((name) => new RegExp(`/${name.replaceAll('.', '\\.')}(\\.|$)`));
/** Debian's packages and virtual machines: minutes more, so they run after all others, and can be left out. */
const realParts = ['e2e/world/real-parts', 'e2e/world/vm'];
const realJourneys = ['in-a-real-kernel', 'openshift-real-builds'].map((name) => `e2e/journeys/${name}.real.ts`);
const isRealPart = (file: string) =>
  realJourneys.includes(file) || realParts.some((folder) => file.startsWith(`${folder}/`));
const options = optionsOf(process.argv.slice(2), testFiles, isRealPart);
if (options.kind === 'stop') {
  (options.code === 0 ? console.log : console.error)(options.text);
  process.exit(options.code);
}
process.exit(await run(options));

/** Those of `*.real.ts` are about what only Kubernetes itself has, but for the real parts: they want no plane, or any. */
function testFiles(plane: PlaneChoice): string[] {
  const tests = /\.test\.ts$/;
  const ofReal = /\.real\.ts$/;
  const places = [
    { folder: 'e2e/journeys', name: tests },
    { folder: 'e2e/conformance', name: tests },
    ...(plane === 'real' ? ['e2e/journeys', 'e2e/world/control-plane'] : []).map((folder) => ({
      folder,
      name: ofReal,
    })),
    ...realParts.map((folder) => ({ folder, name: ofReal })),
  ];
  const found = places.flatMap(({ folder, name }) =>
    readdirSync(join(root, folder))
      .filter((file) => name.test(file))
      .map((file) => `${folder}/${file}`),
  );
  const files = [...new Set([...found, ...realJourneys])];
  const first = order.flatMap((name) => files.filter((file) => name.test(file)));
  const rest = files.filter((file) => !first.includes(file));
  // Those of the conformance suite mostly wait: side by side they would leave the processors idle.
  const waiting = rest.filter((file) => file.startsWith('e2e/conformance/'));
  const busy = rest.filter((file) => !waiting.includes(file));
  return [...first, ...alternately(busy, waiting)];
}

function alternately(one: readonly string[], other: readonly string[]): string[] {
  const pairs = Array.from({ length: Math.max(one.length, other.length) }, (_, index) => [one[index], other[index]]);
  return pairs.flat().filter((file) => file !== undefined);
}

async function run({ parts, ...how }: Extract<typeof options, { kind: 'run' }>): Promise<number> {
  const codes: number[] = [];
  for (const [index, part] of parts.entries()) codes.push(await runPart(part, { ...how, isFirst: index === 0 }));
  return Math.max(0, ...codes);
}

async function runPart(
  { plane, files }: Part,
  { all, jobs, grep, isFirst }: { all: boolean; jobs: number; grep?: string; isFirst: boolean },
): Promise<number> {
  // What the tests leave behind when they are killed goes with it.
  const lifeline = openLifeline('e2e');
  const { folder } = lifeline;
  try {
    if (plane === 'real')
      await prepareControlPlanes(files.some((file) => olderToo.test(file)) ? releases : [currentRelease]);
    const report = join(folder, 'report');
    const uses = join(folder, 'rights');
    const environment = {
      ...process.env,
      [planeVariable]: plane,
      [reportVariable]: report,
      [usesVariable]: uses,
      // For `.ci/reporter.ts`: both parts are one command.
      KMM_TEST_RESULTS_MORE: isFirst ? 'no' : 'yes',
      TMPDIR: folder,
      // Programs are started many times, and all load the same modules.
      NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    };
    // Never serial: the root hooks would surround all files at once.
    const parallel = ['--parallel', '--jobs', String(jobs)];
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
    if (mocha.error) throw mocha.error;
    console.log(tableOf(report, plane));
    if (mocha.signal) console.error(`e2e: mocha was ended by ${mocha.signal}`);
    if (plane !== 'real') return mocha.status ?? 1;
    // What a journey that failed would have used is not unused.
    const rights = rightsLines(uses, all && mocha.status === 0);
    console.log(rights.lines.join('\n'));
    return mocha.status === 0 && rights.good ? 0 : 1;
  } catch (error) {
    console.error(`e2e: ${errorMessage(error)}`);
    return 1;
  } finally {
    await lifeline.end();
  }
}
