import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../world/eventually.ts';

const program = fileURLToPath(new URL('../demo.ts', import.meta.url));
/** Three clusters come up on a busy machine. */
const limitMs = 120_000;

describe('the demo as a process', function () {
  this.timeout(2 * limitMs);

  for (const given of ['--nonsense', 'keep'])
    it(`ends with 2 and its usage for ${given}`, () => {
      const { status, stderr, stdout } = spawnSync(process.execPath, [program, given], { encoding: 'utf8' });
      assert.deepEqual([status, stdout], [2, '']);
      assert.ok(stderr.includes(given) && stderr.includes('npm start [-- OPTIONS]'), stderr);
    });

  describe('that is interrupted', () => {
    let folder: string;
    let demo: ChildProcess;
    let output = '';

    before(() => {
      // Short: paths of sockets are.
      folder = mkdtempSync(join(tmpdir(), 'kd-'));
      const env = { ...process.env, TMPDIR: folder };
      demo = spawn(process.execPath, [program, '--stand-in'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [demo.stdout, demo.stderr]) {
        stream?.setEncoding('utf8');
        stream?.on('data', (text: string) => {
          output += text;
        });
      }
    });
    after(() => {
      demo.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });

    it('does not pass for one that reached its end, and leaves no process and no folder behind', async () => {
      const ended = new Promise<number | null>((resolve) => demo.once('close', resolve));
      await eventually('its programs are ready', () => /^ok .*programs are ready/m.test(output), limitMs);
      if (existsSync('/proc/self/environ')) assert.ok(processesOf(folder).length > 4, 'they are seen');
      demo.kill('SIGINT');
      assert.equal(await ended, 130, output);
      assert.match(output, /\nInterrupted after \d+ s\.\n$/);
      await eventually('all its processes are gone', () => {
        const left = processesOf(folder);
        if (left.length > 0) throw new Error(left.join('\n'));
        return true;
      });
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith('kmm-')),
        readdirSync(folder).filter((name) => name === 'kmm-world-compile-cache'),
      );
    });
  });
});

/** Command lines of the processes that have the folder in their environment; none where there is no /proc. */
function processesOf(folder: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      const read = (file: string) => textOf(`/proc/${pid}/${file}`).replaceAll('\0', ' ').trim();
      return read('environ').includes(folder) ? [read('cmdline')] : [];
    });
}

/** Of a process that may be gone by now, or somebody else's. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return '';
    throw error;
  }
}
