import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { credentials, type ExecConfig } from './credentials.ts';

describe('credentials', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'credentials-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A credential plugin that counts its calls and prints `output`. */
  function plugin(output: string): { exec: ExecConfig; calls: () => number } {
    const command = join(folder, 'plugin');
    writeFileSync(
      command,
      `#!/bin/sh\necho call >> ${folder}/calls\necho "$KUBERNETES_EXEC_INFO" > ${folder}/info\n${output}\n`,
    );
    chmodSync(command, 0o755);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command, args: [], env: { TOKEN: 'from-env' } };
    return { exec, calls: () => readFileSync(join(folder, 'calls'), 'utf8').split('\n').length - 1 };
  }

  it('of a token, of basic authentication and of nobody never change', async () => {
    const clock = new VirtualClock();
    assert.equal(await credentials({ kind: 'token', token: 't' }, clock).authorization(), 'Bearer t');
    const basic = credentials({ kind: 'basic', username: 'me', password: 'p' }, clock);
    assert.equal(await basic.authorization(), 'Basic bWU6cA==');
    assert.equal(basic.refused(), false);
    assert.equal(await credentials({ kind: 'none' }, clock).authorization(), undefined);
  });

  it('of a token file are read again after a minute, and when they were refused', async () => {
    const clock = new VirtualClock();
    const path = join(folder, 'token');
    writeFileSync(path, 'one\n');
    const source = credentials({ kind: 'tokenFile', path }, clock);
    assert.equal(await source.authorization(), 'Bearer one');
    writeFileSync(path, 'two');
    assert.equal(await source.authorization(), 'Bearer one');
    clock.setBack(3_600_000);
    await clock.advance(60_000);
    assert.equal(await source.authorization(), 'Bearer two');
    writeFileSync(path, 'three');
    assert.equal(source.refused(), true);
    assert.equal(await source.authorization(), 'Bearer three');
  });

  it('that cannot be read are refused, and tried again', async () => {
    const path = join(folder, 'token');
    const source = credentials({ kind: 'tokenFile', path }, new VirtualClock());
    await assert.rejects(source.authorization(), { status: 401, message: /no credentials: ENOENT/ });
    writeFileSync(path, 'late');
    assert.equal(await source.authorization(), 'Bearer late');
  });

  it('of a plugin are asked for once, until they expire', async () => {
    const clock = new VirtualClock();
    const expires = new Date(clock.now() + 300_000).toISOString();
    const { exec, calls } = plugin(`echo '{"status":{"token":"'$TOKEN'","expirationTimestamp":"${expires}"}}'`);
    const source = credentials({ kind: 'exec', exec }, clock);
    const both = await Promise.all([source.authorization(), source.authorization()]);
    assert.deepEqual(both, ['Bearer from-env', 'Bearer from-env']);
    assert.equal(calls(), 1);
    const info = JSON.parse(readFileSync(join(folder, 'info'), 'utf8'));
    assert.deepEqual(info, { apiVersion: exec.apiVersion, kind: 'ExecCredential', spec: { interactive: false } });
    await clock.advance(300_000);
    await source.authorization();
    assert.equal(calls(), 2);
  });

  it('of a plugin that fails without a word are none, and its arguments are not told', async () => {
    const exec = { ...plugin('exit 3').exec, args: ['--token=hunter2'] };
    const source = credentials({ kind: 'exec', exec }, new VirtualClock());
    await assert.rejects(source.authorization(), { message: /^no credentials: \S+ failed: exit code 3$/ });
  });

  const broken: { title: string; output: string; message: RegExp }[] = [
    { title: 'fails', output: 'echo "not logged in" >&2; exit 3', message: /not logged in/ },
    { title: 'prints no JSON', output: 'echo secret', message: /printed no JSON/ },
    { title: 'gives no token', output: `echo '{"status":{}}'`, message: /gave no token/ },
  ];
  for (const { title, output, message } of broken) {
    it(`of a plugin that ${title} are none, and the message holds no secret`, async () => {
      const source = credentials({ kind: 'exec', exec: plugin(output).exec }, new VirtualClock());
      await assert.rejects(source.authorization(), (error) => {
        return error instanceof Error && message.test(error.message) && !error.message.includes('secret');
      });
    });
  }
});
