import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../eventually.ts';
import { openLifeline } from './lifeline.ts';
import { lives } from './lock.ts';

const environment = { PATH: process.env['PATH'] };

describe('a lifeline', () => {
  it('runs a program in its folder, with what it says in a file, and ends both', async () => {
    const lifeline = openLifeline('test');
    const options = { arguments: ['-c', 'pwd; exec sleep 1000'], environment, log: 'said.log' };
    const child = lifeline.start('/bin/sh', options);
    const said = () => readFileSync(join(lifeline.folder, 'said.log'), 'utf8');
    await eventually('the folder in the log', () => said() === `${lifeline.folder}\n`);
    await lifeline.end();
    await eventually('no process', () => !lives(child.pid ?? 0));
    assert.equal(existsSync(lifeline.folder), false);
  });

  it('outlives a process that is killed by as long as it takes to end its servers and remove its folder', async () => {
    const other = spawn(process.execPath, ['--input-type=module', '--eval', script(3)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: other.stdout }), 'line');
    const { folder, pids } = JSON.parse(line) as { folder: string; pids: number[] };
    assert.deepEqual(pids.map(lives), [true, true, false]);
    assert.ok(existsSync(folder));
    other.kill('SIGKILL');
    await eventually('no process and no folder', () => !pids.some(lives) && !existsSync(folder));
  });
});

/** Starts servers, the last of which ends by itself, and says where; then it stays until it is killed. */
function script(count: number): string {
  return `
    import { once } from 'node:events';
    import { MessageChannel } from 'node:worker_threads';
    import { openLifeline } from '${new URL('lifeline.ts', import.meta.url)}';
    // Timers would do, and unref'd children do not: something must keep it there.
    new MessageChannel().port1.on('message', () => undefined);
    const lifeline = openLifeline('killed');
    const start = (seconds, index) => lifeline.start('sleep', { arguments: [seconds], environment: process.env, log: index + '.log' });
    const children = Array.from({ length: ${count} }, (_, index) => start(index === ${count - 1} ? '0' : '1000', index));
    await once(children.at(-1), 'exit');
    process.stdout.write(JSON.stringify({ folder: lifeline.folder, pids: children.map(({ pid }) => pid) }) + '\\n');
    await new Promise(() => undefined);
  `;
}
