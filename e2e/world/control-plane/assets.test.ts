import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type AssetsHost, findAssets } from './assets.ts';
import type { Environment } from './assets-folder.ts';
import type { GoRun } from './go.ts';

const programs = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
/** No process has a number that high. */
const gonePid = 99_999_999;

describe('the binaries of a control plane', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'assets-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  /** A Go that "builds" a file with the program's name in it, unless `breaks` names it. */
  function host(options: { environment?: Environment; breaks?: string; version?: Partial<GoRun> } = {}) {
    const built: string[] = [];
    const said: string[] = [];
    const asked: AssetsHost = {
      environment: options.environment ?? {},
      home,
      say: (line) => said.push(line),
      go:
        () =>
        async (command, ...rest) => {
          const ended: GoRun = { code: 0, stdout: '', stderr: '' };
          if (command === 'env') return { ...ended, stdout: 'go1.26.8', ...options.version };
          if (command !== 'build') return ended;
          const program = rest.at(-1)?.slice(2) ?? '';
          const output = rest[rest.indexOf('-o') + 1] ?? '';
          writeFileSync(output, program, { mode: 0o755 });
          if (program === options.breaks) return { ...ended, code: 1, stderr: 'killed' };
          built.push(program);
          return ended;
        },
    };
    return { asked, built, said };
  }

  it('are built once, in the order in which they are needed, and shown as they come', async () => {
    const { asked, built, said } = host();
    const assets = await findAssets('1.36', asked);
    await findAssets('1.36', asked);
    assert.deepEqual(built, programs);
    assert.deepEqual(readdirSync(assets.folder).sort(), programs);
    assert.equal(readFileSync(assets.pathOf('etcd'), 'utf8'), 'etcd');
    for (const program of programs) assert.ok(said.some((line) => line.startsWith(`built ${program} in `)));
  });

  it('are never half there: a broken build leaves what was whole, and the next goes on from it', async () => {
    const first = host({ breaks: 'kube-controller-manager' });
    await assert.rejects(findAssets('1.36', first.asked), /"go build .\/kube-controller-manager" failed: killed/);
    const second = host();
    const left = join(home, '.cache/kmm-hub/control-plane');
    const [folderName = ''] = readdirSync(left);
    writeFileSync(join(left, folderName, `etcd.${gonePid}.part`), '');
    const { folder } = await findAssets('1.36', second.asked);
    assert.deepEqual(second.built, ['kube-controller-manager', 'kube-scheduler']);
    assert.deepEqual(readdirSync(folder).sort(), programs);
    assert.deepEqual(readdirSync(dirname(folder)).length, 1, 'no lock is left');
  });

  it('are built by one of two that want them at once', async () => {
    const [one, other] = [host(), host()];
    await Promise.all([findAssets('1.36', one.asked), findAssets('1.36', other.asked)]);
    assert.deepEqual([...one.built, ...other.built], programs);
    assert.match([...one.said, ...other.said].join('\n'), /process \d+ builds Kubernetes 1\.36: waiting for it/);
  });

  it('are built in spite of a lock whose process is gone', async () => {
    const { folder } = await findAssets('1.36', host().asked);
    rmSync(folder, { recursive: true });
    writeFileSync(`${folder}.lock`, String(gonePid));
    const { asked, built } = host();
    await findAssets('1.36', asked);
    assert.deepEqual(built, programs);
  });

  it('are built in spite of a lock of hours ago, whose process may be any other now', async () => {
    const { folder } = await findAssets('1.36', host().asked);
    rmSync(folder, { recursive: true });
    writeFileSync(`${folder}.lock`, String(process.pid));
    utimesSync(`${folder}.lock`, 0, 0);
    const { asked, built } = host();
    await findAssets('1.36', asked);
    assert.deepEqual(built, programs);
  });

  it('are taken from a named folder, without Go', async () => {
    const folder = join(home, 'ready');
    mkdirSync(folder);
    for (const program of programs) writeFileSync(join(folder, program), '', { mode: 0o755 });
    const { asked, built } = host({ environment: { KMM_CONTROL_PLANE_ASSETS: folder }, version: { code: undefined } });
    assert.equal((await findAssets('1.36', asked)).folder, folder);
    assert.deepEqual(built, []);
  });

  it('are refused when the named folder lacks one or holds what cannot be run', async () => {
    writeFileSync(join(home, 'etcd'), '', { mode: 0o644 });
    const { asked } = host({ environment: { KUBEBUILDER_ASSETS: home } });
    await assert.rejects(
      findAssets('1.36', asked),
      /KUBEBUILDER_ASSETS names the binaries: expected etcd, .* got etcd\./,
    );
  });

  for (const [title, version] of [
    ['no Go', { code: undefined }],
    ['a Go that is too old', { stdout: 'go1.20' }],
  ] as const) {
    it(`need more than ${title}: both ways out are named, nothing is made`, async () => {
      const { asked } = host({ version });
      await assert.rejects(findAssets('1.36', asked), /Two ways out: install Go 1\.26\.0 or newer .* or set KMM_/);
      assert.equal(existsSync(join(home, '.cache')), false);
    });
  }
});
