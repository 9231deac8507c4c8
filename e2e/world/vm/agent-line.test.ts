import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import { AgentLine } from './agent-line.ts';

const never = new Promise<never>(() => undefined);

describe('the line to a machine’s agent', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kmm-agent-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A socket that nobody listens to, as QEMU's is between bind and listen: its listener was killed. */
  async function deafSocket(path: string): Promise<void> {
    const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await assert.rejects(once(connect(path), 'connect'), { code: 'ECONNREFUSED' });
  }

  it('is open once somebody listens, not when the socket is there', async () => {
    const path = join(folder, 'agent');
    await deafSocket(path);
    const opened = AgentLine.open(path, never);
    await Promise.race([opened, sleep(systemClock, 200)]);
    rmSync(path);
    const server = createServer((socket) => socket.write('hello 6.1.0-1\n')).listen(path);
    const line = await opened;
    assert.equal(await line.hello, '6.1.0-1');
    line.close(new Error('done'));
    server.close();
  });

  it('is given up when the machine ends before', async () => {
    const path = join(folder, 'agent');
    await deafSocket(path);
    await assert.rejects(AgentLine.open(path, Promise.resolve()), /expected QEMU to listen to its agent, but it ended/);
  });
});
