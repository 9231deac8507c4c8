// biome-ignore-all lint/suspicious/noTemplateCurlyInString: text of shells and Dockerfiles is the subject here
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shellsOfThisMachine } from '../../e2e/world/kernel/script-host.ts';

const script = readFileSync(new URL('build.sh', import.meta.url), 'utf8');
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

/** Notes each call: its arguments, each ended by NUL, and what it finds where the script says. Pushes a digest unless told otherwise. */
const standIn = `#!/bin/sh
number=0
while [ -e "$ROOT/call-$number" ]; do number=$((number + 1)); done
printf '%s\\0' "$@" >"$ROOT/call-$number"
env >"$ROOT/environment-$number"
[ "\${FAILS_AT:-}" = "$number" ] && { echo 'STEP 3/7: RUN make all' >&2; echo 'make: *** [all] Error 2' >&2; exit 2; }
while [ $# -gt 0 ]; do
  [ "$1" = --digestfile ] && printf '%s' "$PUSHED" >"$2"
  shift
done
exit 0
`;

interface Run {
  code: number | null;
  stderr: string;
  calls: string[][];
  environments: string[];
  terminationLog: string | undefined;
}

interface Situation {
  variables?: Record<string, string>;
  args?: string[];
  dockerfile?: string;
  secrets?: Record<string, Record<string, string>>;
  login?: Record<string, string>;
  failsAt?: number;
  pushed?: string;
}

for (const { name, command } of shellsOfThisMachine()) {
  describe(`the build script under ${name}`, () => {
    let root: string;
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'kmm-build-'));
    });
    afterEach(() => rmSync(root, { recursive: true }));

    function put(path: string, files: Record<string, string>): void {
      mkdirSync(join(root, path), { recursive: true });
      for (const [file, text] of Object.entries(files)) writeFileSync(join(root, path, file), text);
    }

    function run({ variables, args = [], ...situation }: Situation): Run {
      put('bin', {});
      writeFileSync(join(root, 'bin/buildah'), standIn, { mode: 0o755 });
      put('dev', {});
      put('workspace/dockerfile', { dockerfile: situation.dockerfile ?? 'FROM scratch\n' });
      for (const [secret, files] of Object.entries(situation.secrets ?? {})) put(`workspace/secrets/${secret}`, files);
      if (situation.login) put('run/secrets/push', situation.login);
      const [program = '', ...words] = command;
      const { status, stderr } = spawnSync(program, [...words, '-ec', script], {
        encoding: 'utf8',
        env: {
          ROOT: root,
          PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
          PUSHED: situation.pushed ?? digest,
          ...(situation.failsAt !== undefined && { FAILS_AT: String(situation.failsAt) }),
          KMM_IMAGE: 'r.example/kmod:1',
          KMM_DOCKERFILE: '/workspace/dockerfile/dockerfile',
          KMM_WORK: '/workspace/work',
          KMM_BUILD_SECRETS: '/workspace/secrets',
          KMM_LOGIN: '/run/secrets/push',
          KMM_BASE_TLS_VERIFY: 'true',
          KMM_BASE_LOGIN: 'true',
          KMM_IMAGE_TLS_VERIFY: 'true',
          KMM_IMAGE_LOGIN: 'true',
          KMM_BUILD_ARGS: String(args.length),
          ...Object.fromEntries(args.map((value, index) => [`KMM_BUILD_ARG_${index}`, value])),
          ...variables,
        },
      });
      const noted = (kind: string) =>
        readdirSync(root)
          .filter((file) => file.startsWith(`${kind}-`))
          .sort()
          .map((file) => readFileSync(join(root, file), 'utf8'));
      const log = join(root, 'dev/termination-log');
      return {
        code: status,
        stderr,
        calls: noted('call').map((text) => text.split('\0').slice(0, -1)),
        environments: noted('environment'),
        terminationLog: existsSync(log) ? readFileSync(log, 'utf8') : undefined,
      };
    }

    /** What follows each `option` of a call. */
    function valuesOf(call: readonly string[] | undefined, option: string): string[] {
      return (call ?? []).flatMap((word, index) => (call?.[index - 1] === option ? [word] : []));
    }

    it('builds with chroot isolation, pushes, and tells the digest', () => {
      const { code, calls, terminationLog, stderr } = run({ args: ['KERNEL_VERSION=6.1.0'] });
      assert.equal(code, 0, stderr);
      const work = `${root}/workspace/work`;
      const options = ['--root', `${work}/store`, '--runroot', `${work}/run/storage`, '--storage-driver', 'vfs'];
      assert.deepEqual(calls, [
        [
          ...options,
          ...['build', '--isolation', 'chroot', '--file', `${root}/workspace/dockerfile/dockerfile`],
          ...['--tls-verify=true', '--build-arg', 'KERNEL_VERSION=6.1.0', '--tag', 'r.example/kmod:1'],
          `${work}/context`,
        ],
        [
          ...options,
          ...['push', '--tls-verify=true', '--digestfile', `${work}/digest`],
          ...['r.example/kmod:1', 'docker://r.example/kmod:1'],
        ],
      ]);
      assert.equal(terminationLog, `{"result":"Built","digest":"${digest}"}\n`);
    });

    it('hands every argument on as it is, and runs none of it [65]', () => {
      const hostile = [
        'QUOTES=it\'s "quoted" `date`',
        'COMMAND=$(touch "$ROOT/ran"); touch "$ROOT/ran" & ${HOME} $KMM_IMAGE',
        'LINES=first\n--volume /:/host\n\n',
        'SPACE=  a   b\t',
        '--isolation=oci',
        'GLOB=* ? [a-z] ~',
        'BACKSLASH=\\n \\\\ \\',
        'EMPTY=',
        'UNICODE=Grüße ✓',
        'ELEVENTH=10',
        'TWELFTH=11',
      ];
      const { code, calls } = run({ args: hostile });
      assert.equal(code, 0);
      assert.deepEqual(valuesOf(calls[0], '--build-arg'), hostile);
      assert.equal(existsSync(join(root, 'ran')), false);
    });

    it('mounts each Secret where RUN lines look for it, for reading only [68]', () => {
      const { calls } = run({ secrets: { token: { key: 'x' }, 'my.pull-secret': { a: 'b' } } });
      assert.deepEqual(valuesOf(calls[0], '--volume'), [
        `${root}/workspace/secrets/my.pull-secret:/run/secrets/my.pull-secret:ro`,
        `${root}/workspace/secrets/token:/run/secrets/token:ro`,
      ]);
    });

    it('mounts an entitlement where Red Hat’s base images look for one [224]', () => {
      const name = 'etc-pki-entitlement';
      const { calls } = run({ secrets: { [name]: { '1.pem': 'certificate', '1-key.pem': 'key' } } });
      assert.deepEqual(valuesOf(calls[0], '--volume'), [`${root}/workspace/secrets/${name}:/run/secrets/${name}:ro`]);
    });

    it('logs in for FROM images and for the push with imageRepoSecret [69] [213]', () => {
      const { calls } = run({ login: { '.dockerconfigjson': '{"auths":{}}' } });
      const file = `${root}/run/secrets/push/.dockerconfigjson`;
      assert.deepEqual(
        calls.map((call) => valuesOf(call, '--authfile')),
        [[file], [file]],
      );
    });

    it('understands a Secret of the older form', () => {
      const { calls } = run({ login: { '.dockercfg': '{"r.example":{"auth":"eDp5"}}' } });
      const [file] = valuesOf(calls[1], '--authfile');
      assert.deepEqual(JSON.parse(readFileSync(file ?? '', 'utf8')), { auths: { 'r.example': { auth: 'eDp5' } } });
    });

    for (const [base, image] of [
      ['true', 'false'],
      ['false', 'true'],
    ] as const) {
      it(`verifies TLS (base ${base}, image ${image}) and logs in (the other way) at each registry by itself [70] [207] [217]`, () => {
        const { calls } = run({
          login: { '.dockerconfigjson': '{}' },
          variables: {
            KMM_BASE_TLS_VERIFY: base,
            KMM_IMAGE_TLS_VERIFY: image,
            KMM_BASE_LOGIN: image,
            KMM_IMAGE_LOGIN: base,
          },
        });
        assert.deepEqual(
          calls.map((call) => call.filter((word) => word.startsWith('--tls-verify'))),
          [[`--tls-verify=${base}`], [`--tls-verify=${image}`]],
        );
        assert.deepEqual(
          calls.map((call) => call.includes('--authfile')),
          [image === 'true', base === 'true'],
        );
      });
    }

    it('trusts the cluster’s certificate authorities where it has some [74]', () => {
      const { calls } = run({ variables: { KMM_CA: '/workspace/ca' } });
      for (const call of calls) assert.deepEqual(valuesOf(call, '--cert-dir'), [`${root}/workspace/ca`]);
    });

    it('takes no login from the builder’s image', () => {
      const { environments } = run({ variables: { REGISTRY_AUTH_FILE: '/root/auth.json', DOCKER_CONFIG: '/root' } });
      assert.equal(environments.length, 2);
      for (const text of environments) {
        assert.doesNotMatch(text, /^(?:REGISTRY_AUTH_FILE|DOCKER_CONFIG)=/m);
        assert.match(text, new RegExp(`^HOME=${root}/workspace/work/home$`, 'm'));
      }
    });

    it('ends before anything is built when the Dockerfile needs a toolkit that is not known [67]', () => {
      const variables = { KMM_NO_TOOLKIT: 'no driver toolkit image is known for kernel 6.1' };
      const needed = run({ variables, dockerfile: 'ARG DTK_AUTO\nFROM ${DTK_AUTO} as builder\n' });
      assert.deepEqual([needed.code, needed.calls, needed.terminationLog], [1, [], undefined]);
      assert.equal(needed.stderr, 'the Dockerfile uses DTK_AUTO: no driver toolkit image is known for kernel 6.1\n');
      assert.equal(run({ variables, dockerfile: 'FROM gcc:14\n' }).code, 0);
    });

    it('says that the Dockerfile is empty [80]', () => {
      const { code, calls, stderr } = run({ dockerfile: '' });
      assert.deepEqual([code, calls.length], [1, 0]);
      assert.match(stderr, /expected a Dockerfile at \/workspace\/dockerfile\/dockerfile/);
    });

    it('pushes nothing that did not build, and leaves buildah’s last lines as the reason [76]', () => {
      const { code, calls, stderr, terminationLog } = run({ failsAt: 0 });
      assert.deepEqual([code, calls.length, terminationLog], [2, 1, undefined]);
      assert.match(stderr, /make: \*\*\* \[all\] Error 2\n$/);
    });

    it('tells no success when the push fails', () => {
      const { code, terminationLog } = run({ failsAt: 1 });
      assert.deepEqual([code, terminationLog], [2, undefined]);
    });

    for (const pushed of ['', 'latest', 'sha256:', 'sha256:12","result":"x', `${digest}\n${digest}`]) {
      it(`takes ${JSON.stringify(pushed)} for no digest`, () => {
        const { code, terminationLog } = run({ pushed });
        assert.deepEqual([code, terminationLog], [1, undefined]);
      });
    }
  });
}
