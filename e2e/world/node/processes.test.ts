import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { eventually } from '../eventually.ts';
import { Processes, StartError } from './processes.ts';
import { sleepScript } from './stand-ins.ts';

/** Whether the process still runs; one that ended and was not waited for does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !/ Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // ENOENT: it ended between the two looks.
    if (['ESRCH', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

describe('Processes of the node stand-in', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(`${tmpdir()}/kmm-processes-`);
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('end with their children, and give their exit code and output', async () => {
    const processes = new Processes();
    let output = '';
    const argv = ['/bin/sh', '-c', 'sleep 1000 & echo $!; exit 7'];
    const options = {
      argv,
      folder,
      environment: { PATH: '/usr/bin:/bin' },
      onOutput: (text: string) => (output += text),
    };
    const child = await processes.start(options);
    assert.equal(await child.exited, 7);
    await eventually('the child of the process is gone', () => !isAlive(Number(output)));
    processes.stop();
  });

  it('say why a program cannot be run', async () => {
    const processes = new Processes();
    const options = { argv: [`${folder}/none`], folder, environment: {}, onOutput: () => undefined };
    await assert.rejects(processes.start(options), StartError);
    processes.stop();
  });

  it('are killed when this program is killed itself', async () => {
    const program = `
      import { Processes } from ${JSON.stringify(fileURLToPath(new URL('./processes.ts', import.meta.url)))};
      const processes = new Processes();
      const start = (text) => processes.start({ argv: ['/bin/sh', '-c', text], folder: '.', environment: {}, onOutput: () => undefined });
      const short = await start('exit 0');
      await short.exited;
      const long = await start('trap "" TERM; while :; do /bin/sleep 1000; done');
      console.log(long.pid);`;
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], { cwd: folder });
    const pid = await new Promise<number>((resolve, reject) => {
      parent.stdout.once('data', (data) => resolve(Number(data)));
      parent.stderr.once('data', (data) => reject(new Error(String(data))));
    });
    assert.equal(isAlive(pid), true);
    parent.kill('SIGKILL');
    await eventually('the orphan is gone', () => !isAlive(pid));
  });

  it('end when the program that starts them ends, and the next are started by another', async () => {
    const processes = new Processes();
    const start = (text: string) =>
      processes.start({ argv: ['/bin/sh', '-c', text], folder, environment: {}, onOutput: () => undefined });
    const starterOf = (pid: number) =>
      Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    const long = await start('trap "" TERM; while :; do /bin/sleep 1000; done');
    const first = starterOf(long.pid);
    assert.notEqual(first, process.pid);
    process.kill(first, 'SIGKILL');
    // Asked of one of which nobody here knows yet that it is gone.
    await assert.rejects(start('exit 0'), /StartError: the program that starts processes ended/);
    assert.equal(await long.exited, 137);
    await eventually('the process is gone', () => !isAlive(long.pid));
    const next = await start('exit 7');
    assert.equal(await next.exited, 7);
    processes.stop();
  });

  it('sleep as much shorter as the clock is faster', async () => {
    const processes = new Processes();
    const real = async (seconds: string) => {
      const script = sleepScript(20).replaceAll('exec "$place"', 'exec echo');
      let output = '';
      const argv = ['/bin/sh', '-c', script, 'sleep', seconds];
      const child = await processes.start({ argv, folder, environment: {}, onOutput: (text) => (output += text) });
      await child.exited;
      return output.trim();
    };
    assert.deepEqual(await Promise.all(['30', '1', '0.5', '.5', '0'].map(real)), [
      '1.500',
      '0.050',
      '0.025',
      '0.025',
      '0.000',
    ]);
    processes.stop();
  });
});
