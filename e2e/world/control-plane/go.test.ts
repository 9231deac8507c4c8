import assert from 'node:assert/strict';
import { downloadModules, type GoRun, goVersion, isAtLeast } from './go.ts';

const run = (overrides: Partial<GoRun> = {}): GoRun => ({ code: 0, stdout: '', stderr: '', ...overrides });

describe('the version of Go', () => {
  for (const [seen, needed, enough] of [
    ['1.26.8', '1.26.0', true],
    ['1.26', '1.26.0', true],
    ['1.27', '1.26.4', true],
    ['1.25.9', '1.26.0', false],
    ['1.9', '1.26.0', false],
    ['2.0', '1.26.0', true],
    ['one that cannot be used', '1.22.0', false],
  ] as const) {
    it(`${seen} is ${enough ? 'enough' : 'not enough'} for ${needed}`, () => {
      assert.equal(isAtLeast(seen, needed), enough);
    });
  }

  it('is read as Go says it, also of a pre-release', async () => {
    assert.equal(await goVersion(async () => run({ stdout: 'go1.26.8\n' })), '1.26.8');
    assert.equal(await goVersion(async () => run({ stdout: 'go1.27rc1\n' })), '1.27');
  });

  it('is none where there is no Go, and an unusable one where Go refuses the module', async () => {
    assert.equal(await goVersion(async () => run({ code: undefined })), undefined);
    const refused = run({
      code: 1,
      stderr: 'go: go.mod requires go >= 1.26.0 (running go 1.25.1; GOTOOLCHAIN=local)\n',
    });
    assert.match((await goVersion(async () => refused)) ?? '', /running go 1\.25\.1/);
  });
});

describe('the download of the modules', () => {
  /** A Go whose downloads end as told, one after the other. */
  function downloads(...ends: GoRun[]) {
    const said: string[] = [];
    let calls = 0;
    const done = downloadModules(
      async () => ends[calls++] ?? run(),
      (line) => said.push(line),
      [0, 0],
    );
    return { done, said, calls: () => calls };
  }
  const broken = run({ code: 1, stderr: 'go: a: reading\ngo: b: connection reset by peer\n' });

  it('is tried again when it breaks, and says so', async () => {
    const { done, said, calls } = downloads(broken, broken);
    await done;
    assert.equal(calls(), 3);
    assert.equal(said.length, 2);
    assert.match(said[0] ?? '', /go: b: connection reset by peer$/);
  });

  it('fails with the last reason when it goes on breaking', async () => {
    const { done, calls } = downloads(broken, broken, broken);
    await assert.rejects(done, /"go mod download" failed: .*connection reset/s);
    assert.equal(calls(), 3);
  });

  it('is not tried again when a module is not the one that is pinned', async () => {
    const { done, calls } = downloads(run({ code: 1, stderr: 'verifying b@v1: checksum mismatch' }));
    await assert.rejects(done, /checksum mismatch/);
    assert.equal(calls(), 1);
  });
});
