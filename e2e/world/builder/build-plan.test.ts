import assert from 'node:assert/strict';
import { BuildFailure, planBuild } from './build-plan.ts';
import { readBuildahCall } from './buildah-arguments.ts';
import { readDockerfile, withArguments } from './dockerfile.ts';

const toolkit = 'registry.example/toolkit:1';
const dockerfile = `
# a comment
ARG DTK_AUTO
ARG OTHER=debian:12
FROM \${DTK_AUTO} as builder
ARG KERNEL_VERSION
RUN git clone https://git.example/driver \\
    # in between
    && make -C driver KDIR=/lib/modules/$KERNEL_VERSION/build
FROM $OTHER
ARG KERNEL_VERSION
COPY --from=builder /src/a.ko /src/b.ko /opt/lib/modules/\${KERNEL_VERSION}/
RUN depmod -b /opt \${KERNEL_VERSION}
`;

function plan(text: string, secrets: readonly string[] = []) {
  const given = new Map([
    ['DTK_AUTO', toolkit],
    ['KERNEL_VERSION', '6.1.0'],
  ]);
  return planBuild({ dockerfile: text, arguments: given, isThere: (path) => secrets.includes(path) });
}

function failure(text: string, secrets: readonly string[] = []): string {
  try {
    plan(text, secrets);
  } catch (error) {
    assert.ok(error instanceof BuildFailure);
    return error.message;
  }
  return 'none';
}

describe('the stand-in of buildah', () => {
  it('reads a Dockerfile: comments out, continued lines in one, any case', () => {
    assert.deepEqual(readDockerfile('# x\nfrom a\nRUN b \\\n  # y\n  c\n'), [
      { name: 'FROM', text: 'a' },
      { name: 'RUN', text: 'b    c' },
    ]);
    assert.throws(() => readDockerfile('FROM\n'), /Unknown instruction: "FROM"/);
  });

  for (const [text, expected] of [
    [`$A-\${A}`, '1-1'],
    [`\${B:-x}`, 'x'],
    [`$B|\${B}`, '|'],
    ['$AB', ''],
  ] as const)
    it(`puts arguments into ${text}`, () => assert.equal(withArguments(text, new Map([['A', '1']])), expected));

  it('sees which files of firmware the last stage holds', () => {
    const text = dockerfile.replace('RUN depmod', 'COPY --from=builder /src/a.bin /src/folder/ /firmware/\nRUN depmod');
    assert.deepEqual(plan(text).firmware, ['a.bin']);
    assert.deepEqual(plan(dockerfile).firmware, []);
    assert.deepEqual(plan(`${text}\nFROM scratch\n`).firmware, []);
  });

  it('sees which modules the last stage holds, for which kernel, and what it is made from', () => {
    const { from, modules, depmod } = plan(dockerfile);
    assert.deepEqual(from, [toolkit, 'debian:12']);
    assert.deepEqual(
      modules,
      ['a', 'b'].map((name) => ({ kernel: '6.1.0', name, dirName: '/opt', folder: '' })),
    );
    assert.equal(depmod, true);
  });

  for (const [target, name, folder] of [
    ['/opt/lib/modules/6.1.0/extra/', 'a', 'extra/'],
    ['/opt/lib/modules/6.1.0/extra/c.ko', 'c', 'extra/'],
    ['/opt/lib/modules/6.1.0', 'a', ''],
  ] as const)
    it(`puts a module where it is copied to: ${target}`, () => {
      const { modules } = plan(`FROM a\nRUN make\nCOPY a.ko ${target}\n`);
      assert.deepEqual(modules, [{ kernel: '6.1.0', name, dirName: '/opt', folder }]);
    });

  it('knows make without a shell', () => {
    assert.equal(
      plan('FROM a\nRUN ["make", "--directory=/src", "modules"]\nCOPY a.ko /lib/modules/6/\n').modules.length,
      1,
    );
  });

  it('forgets depmod and modules of a stage that ends up nowhere', () => {
    const { modules, depmod } = plan(`${dockerfile}FROM scratch\n`);
    assert.deepEqual([modules, depmod], [[], false]);
  });

  for (const [what, text, expected] of [
    [
      'without make there is nothing to copy',
      dockerfile.replace('make', 'cmake'),
      /no items matching glob "\/src\/a\.ko"/,
    ],
    ['a base image that no argument names', `ARG X\nFROM \${X}\n`, /FROM names no image/],
    ['no base image', 'ARG X\n', /no FROM statement found/],
    ['a command that fails', 'FROM a\nRUN make && false\n', /building at STEP "RUN make && false"/],
    ['a secret that is not mounted', 'FROM a\nRUN cat /run/secrets/t/key\n', /\/run\/secrets\/t\/key: No such file/],
  ] as const)
    it(`fails: ${what}`, () => assert.match(failure(text), expected));

  it('finds secrets that are mounted, and words that only look like a failure', () => {
    assert.equal(failure('FROM a\nRUN cat /run/secrets/t/key; echo falsehood', ['/run/secrets/t/key']), 'none');
  });

  it('takes the options that a build uses, and refuses others as buildah does', () => {
    const words = [
      '--root',
      '/r',
      'build',
      '--tls-verify=false',
      '-t',
      'x',
      '--build-arg',
      'A=b=c',
      '-v',
      'p:q:ro',
      '.',
    ];
    const { command, options, operands } = readBuildahCall(words);
    assert.deepEqual([command, operands], ['build', ['.']]);
    assert.deepEqual(Object.fromEntries(options), {
      root: ['/r'],
      'tls-verify': ['false'],
      tag: ['x'],
      'build-arg': ['A=b=c'],
      volume: ['p:q:ro'],
    });
    assert.throws(() => readBuildahCall(['build', '--squash']), /unknown flag: --squash/);
    assert.throws(() => readBuildahCall(['build', '--file']), /flag needs an argument: --file/);
  });
});
