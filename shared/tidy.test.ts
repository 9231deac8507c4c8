import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What no linter of ours says: sizes, who may import whom, where time and chance may come from, what nobody reaches. */
const root = fileURLToPath(new URL('..', import.meta.url));
const linesMax = 250;

/** Each room may import itself and these. The order is that of design.md: values at the left, programs at the right. */
const rooms: Record<string, readonly string[]> = {
  'shared/api-types': [],
  'shared/core': [],
  'shared/testing': ['shared/api-types', 'shared/core', 'shared/kube'],
  'shared/kernel': ['shared/api-types', 'shared/core'],
  'shared/registry': ['shared/api-types', 'shared/core'],
  'shared/kube': ['shared/api-types', 'shared/core'],
  'shared/images': [
    'shared/api-types',
    'shared/core',
    'shared/kernel',
    'shared/registry',
    'shared/kube',
    'shared/sign',
  ],
  // The files of an image, but not its life: that uses the signer.
  'shared/sign': ['shared/core', 'shared/registry', 'shared/images/files'],
  'shared/build': ['shared/core', 'shared/kernel', 'shared/registry', 'shared/kube', 'shared/images'],
  'shared/making': [
    'shared/api-types',
    'shared/core',
    'shared/kernel',
    'shared/registry',
    'shared/kube',
    'shared/images',
    'shared/build',
  ],
  'shared/meters': ['shared/api-types', 'shared/core', 'shared/kube'],
  'shared/process': ['shared/core', 'shared/kube'],
  hub: ['shared'],
  spoke: ['shared'],
  e2e: ['shared', 'hub', 'spoke'],
  '.ci': [],
};

/** The only files in which these calls may stand: everywhere else clock, chance and transport are parameters. */
const bannedCalls: readonly { call: RegExp; name: string; allowed: readonly RegExp[] }[] = [
  { call: /\bDate\.now\(/, name: 'Date.now', allowed: [/^shared\/core\/clock\.ts$/] },
  { call: /\bset(?:Timeout|Interval)\(/, name: 'timers', allowed: [/^shared\/core\/clock\.ts$/] },
  { call: /\bMath\.random\b/, name: 'Math.random', allowed: [/\/main\.ts$/, /^shared\/process\//, /^e2e\//] },
  { call: /(?<![.\w])fetch\(/, name: 'fetch', allowed: [] },
];

/** What a program must not load whole, for the memory it costs on every node that runs one. Importing its types costs nothing. */
const heavyModules: readonly { module: string; instead: string; allowed: RegExp }[] = [
  { module: 'undici', instead: 'shared/core/http-agents.ts', allowed: /^e2e\// },
  { module: 'node:http', instead: "process.getBuiltinModule('node:http')", allowed: /^e2e\// },
  { module: 'prom-client', instead: 'shared/process/prometheus.ts', allowed: /^e2e\// },
  { module: '@peculiar/asn1-cms', instead: 'shared/sign/der.ts', allowed: /^shared\/sign\/cms\.ts$/ },
  { module: '@open-cluster-management/api-types/schemas', instead: 'types only', allowed: /^(?:e2e|hub)\// },
];

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));
/** `.real.ts`: tests on a real control plane, which `npm run e2e` runs. */
const isTest = (file: string) => /\.(?:test|real)\.ts$/.test(file);
const sources = files.filter((file) => !isTest(file));
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

describe('the tree', () => {
  it(`holds no source file of more than ${linesMax} lines`, () => {
    const long = sources
      .map((file) => ({ file, lines: textOf(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > linesMax);
    assert.deepEqual(long, []);
  });

  it('imports along the arrows of the architecture only', () => {
    const wrong = files.flatMap((file) => {
      const room = roomOf(file);
      const allowed = [room, ...(rooms[room] ?? [])];
      // A test may build its world from anything that is there.
      if (isTest(file)) return [];
      return importsOf(file)
        .filter((target) => !allowed.some((place) => target === place || target.startsWith(`${place}/`)))
        .map((target) => `${file} imports ${target}`);
    });
    assert.deepEqual(wrong, []);
  });

  for (const { call, name, allowed } of bannedCalls) {
    it(`takes ${name} as a parameter`, () => {
      const wrong = sources.filter(
        (file) => !allowed.some((pattern) => pattern.test(file)) && call.test(withoutComments(textOf(file))),
      );
      assert.deepEqual(wrong, []);
    });
  }

  for (const { module, instead, allowed } of heavyModules) {
    it(`loads of ${module} what it needs: ${instead}`, () => {
      const heavy = new RegExp(`^import (?!type\\b)[^;]*'${module}';`, 'm');
      assert.deepEqual(
        sources.filter((file) => !allowed.test(file) && heavy.test(textOf(file))),
        [],
      );
    });
  }

  it('starts hub and spoke without what signs: that is a program of its own', () => {
    const loads = (file: string) => importsOf(file, textOf(file).replaceAll(/import type\b[^;]*;/g, ''));
    const loaded = reachedFrom(
      ['hub/main.ts', 'spoke/main.ts', 'shared/sign/module-signature.ts', 'shared/sign/ko-file.ts'],
      loads,
    );
    assert.ok(loaded.has('shared/sign/elf.ts') && loaded.has('hub/controllers.ts'));
    assert.deepEqual(
      ['shared/sign/cms.ts', 'shared/sign/key-pair.ts'].filter((file) => loaded.has(file)),
      [],
    );
  });

  it('starts a spoke without what makes images: that is loaded with the first image that is to be made', () => {
    const loads = (file: string) =>
      importsOf(file, textOf(file).replaceAll(/import type\b[^;]*;|\bimport\([^)]*\)/g, ''));
    const loaded = reachedFrom(['spoke/main.ts'], loads);
    assert.ok(loaded.has('spoke/images/module-images.ts') && loaded.has('shared/images/recipe.ts'));
    const heavy = [...loaded].filter((file) =>
      /^shared\/(?:build|sign|images\/files|registry\/(?:client|session)|making\/(?:start|image-making))\b/.test(file),
    );
    assert.deepEqual([heavy, loaded.has('spoke/images/makers.ts')], [[], false]);
  });

  it('has no file that neither a program nor a test reaches', () => {
    const entries = files.filter(
      (file) =>
        isTest(file) ||
        /(^|\/)main\.ts$|^e2e\/demo\.ts$|^e2e\/run\/hooks\.ts$|^e2e\/bench\/|^e2e\/world\/control-plane\/prepare\.ts$|^\.ci\/|^e2e\/world\/kernel\/modprobe\.ts$|^shared\/api-types\/index\.ts$/.test(
          file,
        ),
    );
    const reached = reachedFrom(entries, (file) => importsOf(file));
    assert.deepEqual(
      files.filter((file) => !reached.has(file)),
      [],
    );
  });

  it('holds no unfinished work', () => {
    const marks = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`);
    assert.deepEqual(
      files.filter((file) => marks.test(textOf(file))),
      [],
    );
  });

  it('swallows no error', () => {
    assert.deepEqual(
      sources.filter((file) => /catch\s*(?:\([^)]*\))?\s*\{\s*\}/.test(textOf(file))),
      [],
    );
  });
});

function roomOf(file: string): string {
  const parts = file.split('/');
  return parts[0] === 'shared' ? `shared/${parts[1]}` : (parts[0] ?? '');
}

function reachedFrom(entries: readonly string[], importsOfFile: (file: string) => string[]): Set<string> {
  const reached = new Set<string>();
  const visit = (file: string) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const target of importsOfFile(file)) visit(target);
  };
  for (const entry of entries) visit(entry);
  return reached;
}

/** The project's own files that `file` imports, as paths from the root. */
function importsOf(file: string, text = textOf(file)): string[] {
  const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  return targets.flatMap((target) => {
    const ours = /^@open-cluster-management\/api-types(?:\/(\w+))?$/.exec(target);
    if (ours !== null) return [`shared/api-types/${ours[1] ?? 'index'}.ts`];
    if (!target.startsWith('.')) return [];
    return [normalize(join(dirname(file), target))];
  });
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
}
