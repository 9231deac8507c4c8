import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const watcher = fileURLToPath(new URL('lifeline.sh', import.meta.url));
/** A server starts only once it is told to: until then, the end of our process is its end too. */
const gate = 'read -r go && exec "$@"';

/** A temporary folder and the processes that work in it. None of them outlives this process, however it ends. */
export interface Lifeline {
  folder: string;
  /** Starts a program whose output goes to the file `log` of the folder. */
  start(
    program: string,
    options: { arguments: readonly string[]; environment: NodeJS.ProcessEnv; log: string },
  ): ChildProcess;
  /** Kills what still runs and removes the folder. */
  end(): Promise<void>;
}

export function openLifeline(name: string): Lifeline {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `kmm-${name}-`)));
  // In a session of its own: what ends our process group (Ctrl-C, a CI's time limit) must not end the one that tidies up.
  const watch = spawn('/bin/sh', [watcher, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const tell = watch.stdin as Writable & { unref(): void };
  // The watcher ends by itself after us only; somebody who kills it must not take the tests along.
  tell.on('error', () => undefined);
  watch.unref();
  tell.unref();
  return {
    folder,
    start(program, { arguments: arguments_, environment, log }) {
      const output = openSync(join(folder, log), 'a');
      const stdio = ['pipe', output, output] as const;
      const child = spawn('/bin/sh', ['-c', gate, program, program, ...arguments_], {
        cwd: folder,
        env: environment,
        detached: true,
        stdio: [...stdio],
      });
      closeSync(output);
      tell.write(`started ${child.pid}\n`);
      child.on('exit', () => tell.write(`ended ${child.pid}\n`));
      child.stdin?.on('error', () => undefined);
      child.stdin?.end('go\n');
      child.unref();
      return child;
    },
    async end() {
      const ended = once(watch, 'exit');
      watch.ref();
      tell.end();
      await ended;
    },
  };
}
