import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface LoaderResult {
  verb: string;
  result: 'Loaded' | 'Unloaded' | 'NothingToDo' | 'Failed';
  reason: string;
  boot: string;
  hash: string;
  holders: string[];
  message: string;
}

export interface ScriptEnd {
  code: number | null;
  log: string;
  /** From the termination log. */
  result: LoaderResult | undefined;
}

/** One running verb. */
export class ScriptContainer {
  readonly ended: Promise<ScriptEnd>;
  readonly #child: ChildProcess;
  #log = '';

  constructor(child: ChildProcess, image: string) {
    this.#child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        terminationLog(image).then((result) => resolve({ code, log: this.#log, result }), reject);
      });
    });
  }

  /** Resolves once the log holds `text`; throws when the verb ends before. */
  async logged(text: string): Promise<void> {
    let over: ScriptEnd | undefined;
    void this.ended.then((end) => (over = end));
    while (!this.#log.includes(text)) {
      if (over !== undefined) throw new Error(`expected ${text} in the log, but it ended ${over.code}: ${over.log}`);
      await Promise.race([this.ended, new Promise((resolve) => this.#child.stdout!.once('data', resolve))]);
    }
  }

  loaded(): Promise<void> {
    return this.logged('"result":"Loaded"');
  }

  /** SIGTERM goes to the first process only, SIGKILL to all: as in a container. */
  async kill(name: 'SIGTERM' | 'SIGKILL'): Promise<ScriptEnd> {
    if (name === 'SIGTERM') this.#child.kill(name);
    else killGroup(this.#child.pid);
    return this.ended;
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // nobody left
  }
}

async function terminationLog(image: string): Promise<LoaderResult | undefined> {
  const file = join(image, 'dev/termination-log');
  const text = existsSync(file) ? await readFile(file, 'utf8') : '';
  return text === '' ? undefined : (JSON.parse(text) as LoaderResult);
}
