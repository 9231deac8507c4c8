// `npm run checklist`: which numbers of the acceptance checklist (and which traps) have a test, at which level, and
// whether it passed. A test claims a number by carrying `[n]` in its title, at most three of them. Tests of `*.real.ts` are
// not run here, only named: `npm run e2e` runs them.
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const checklistLength = 224;
const numbersPerTitleMax = 3;

interface MochaTest {
  fullTitle: string;
  file: string;
  err: { message?: string };
}
interface Claim {
  level: string;
  title: string;
  /** Undefined: not run here. */
  passed: boolean | undefined;
}

const tests = runTests();
const claims = collect(tests);
print(claims);
process.exit(tests.failures.length === 0 && overloaded(tests.all).length === 0 ? 0 : 1);

function runTests(): { all: MochaTest[]; failures: MochaTest[] } {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-checklist-'));
  const output = join(folder, 'tests.json');
  spawnSync('mocha', ['--reporter', 'json', '--reporter-option', `output=${output}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const report = JSON.parse(readFileSync(output, 'utf8')) as {
    tests: MochaTest[];
    failures: MochaTest[];
    pending: MochaTest[];
  };
  rmSync(folder, { recursive: true });
  const skipped = new Set(report.pending.map((test) => test.fullTitle));
  return { all: report.tests.filter((test) => !skipped.has(test.fullTitle)), failures: report.failures };
}

function marksOf(test: MochaTest): string[] {
  return marksIn(test.fullTitle);
}

function marksIn(title: string): string[] {
  return [...title.matchAll(/\[(T?\d{1,3})\]/g)].map((match) => match[1] ?? '');
}

function levelOf(file: string): string {
  const path = relative(process.cwd(), file);
  if (path.startsWith('e2e/journeys')) return 'journey';
  return path.startsWith('e2e/') ? 'embedded' : 'unit';
}

function collect(run: { all: MochaTest[]; failures: MochaTest[] }): Map<string, Claim[]> {
  const failed = new Set(run.failures.map((test) => test.fullTitle));
  const found = new Map<string, Claim[]>();
  for (const test of run.all) {
    for (const mark of marksOf(test)) {
      const claim = { level: levelOf(test.file), title: test.fullTitle, passed: !failed.has(test.fullTitle) };
      found.set(mark, [...(found.get(mark) ?? []), claim]);
    }
  }
  for (const { file, title } of realTests()) {
    for (const mark of marksIn(title)) {
      const claim = { level: 'real', title: `${title} (${file}: npm run e2e)`, passed: undefined };
      found.set(mark, [...(found.get(mark) ?? []), claim]);
    }
  }
  return found;
}

/** Titles that carry a number in files that need a real control plane. */
function realTests(): { file: string; title: string }[] {
  const files = globSync('e2e/**/*.real.ts');
  return files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\bit\(\s*(['"`])(.*?)\1,/gs)].map((match) => ({
      file,
      title: match[2] ?? '',
    })),
  );
}

function overloaded(all: MochaTest[]): MochaTest[] {
  return all.filter((test) => marksOf(test).length > numbersPerTitleMax);
}

function print(found: Map<string, Claim[]>): void {
  const order = (mark: string) => (mark.startsWith('T') ? 1000 + Number(mark.slice(1)) : Number(mark));
  for (const mark of [...found.keys()].sort((a, b) => order(a) - order(b))) {
    for (const claim of found.get(mark) ?? []) {
      console.log(
        `${mark.padStart(4)}  ${claim.passed === undefined ? '-     ' : claim.passed ? 'passed' : 'FAILED'}  ${claim.level.padEnd(8)}  ${claim.title}`,
      );
    }
  }
  const numbers = [...found.keys()].filter((mark) => !mark.startsWith('T'));
  const at = (level: string) =>
    numbers.filter((mark) => found.get(mark)?.some((claim) => claim.level === level && claim.passed !== false)).length;
  console.log(
    `\n${numbers.length} of ${checklistLength} numbers have a test: ${at('unit')} at unit level, ${at('embedded')} against a part of the world, ${at('journey')} by a journey, ${at('real')} on a real control plane (\`npm run e2e\`).`,
  );
  for (const test of overloaded(tests.all))
    console.log(`more than ${numbersPerTitleMax} numbers in one title: ${test.fullTitle}`);
}
