import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { StartNews, StartRequest } from './starter.ts';

export interface ProcessOptions {
  readonly argv: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onOutput: (text: string) => void;
}

export interface WorldProcess {
  readonly pid: number;
  /** 0-255; 128 + n for a process ended by signal n. Resolves when the whole process group is gone. */
  readonly exited: Promise<number>;
  /** Signals the first process only, as a container runtime does. */
  signal(name: 'SIGTERM'): void;
  /** Kills the process and everything in its group. */
  kill(): void;
}

/** The program cannot be run at all; the message is the system's. */
export class StartError extends Error {
  override name = 'StartError';
}

/** Told of what happens to one process. */
type Listener = (news: StartNews) => void;

/** What a container's process ends with that is killed. */
const killedCode = 128 + constants.signals.SIGKILL;

interface Request {
  readonly listener: Listener;
  /** Of the process, once it runs. */
  pid?: number;
}

/** The program that starts processes for this one; there is one for all nodes, and it ends with this one. */
class Starter {
  readonly #program: ChildProcess;
  readonly #requests = new Map<number, Request>();
  #last = 0;

  constructor() {
    this.#program = fork(fileURLToPath(new URL('starter.ts', import.meta.url)), {
      // What ends our process group (Ctrl-C) must not end the one that tidies up.
      detached: true,
      execArgv: ['--no-warnings'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#program.on('message', (news: StartNews) => this.#tell(news));
    // Not `exit`: all that it told before is read by now.
    this.#program.once('disconnect', () => this.#end());
    this.#program.unref();
    this.#program.channel?.unref();
  }

  /** False once the program is gone, which another takes the place of. */
  get works(): boolean {
    return this.#program.connected;
  }

  /** `listener` is called until the process has ended, or could not be started; this program waits for that. */
  start(request: Omit<StartRequest, 'id'>, listener: Listener): void {
    this.#last += 1;
    const id = this.#last;
    this.#program.channel?.ref();
    this.#requests.set(id, { listener });
    // What cannot be sent is answered when the program's end is told.
    this.#program.send({ id, ...request } satisfies StartRequest, () => undefined);
  }

  #tell(news: StartNews): void {
    const request = this.#requests.get(news.id);
    if (news.kind === 'started' && request !== undefined) request.pid = news.pid;
    if (news.kind === 'ended' || news.kind === 'failed') this.#forget(news.id);
    request?.listener(news);
  }

  /** Nobody would ever hear how these processes end, so they end now. */
  #end(): void {
    for (const [id, { pid }] of this.#requests) {
      if (pid === undefined) this.#tell({ id, kind: 'failed', message: 'the program that starts processes ended' });
      else {
        send(-pid, 'SIGKILL');
        this.#tell({ id, kind: 'ended', code: killedCode });
      }
    }
  }

  #forget(id: number): void {
    this.#requests.delete(id);
    if (this.#requests.size === 0) this.#program.channel?.unref();
  }
}

let starter: Starter | undefined;

/** Runs the processes of one node, each in its own process group. None outlives this program, however it dies. */
export class Processes {
  readonly #groups = new Set<number>();
  #stopped = false;

  /** Throws `StartError` when there is no such program or it cannot be executed. */
  start({ onOutput, ...request }: ProcessOptions): Promise<WorldProcess> {
    if (!starter?.works) starter = new Starter();
    const started = Promise.withResolvers<number>();
    const ended = Promise.withResolvers<number>();
    starter.start(request, (news) => {
      switch (news.kind) {
        case 'started':
          this.#groups.add(news.pid);
          if (this.#stopped) send(-news.pid, 'SIGKILL');
          return started.resolve(news.pid);
        case 'failed':
          return started.reject(new StartError(news.message));
        case 'output':
          return onOutput(news.text);
        default:
          return ended.resolve(news.code);
      }
    });
    return started.promise.then((pid) => ({
      pid,
      exited: ended.promise.finally(() => this.#groups.delete(pid)),
      signal: (name) => {
        if (handles(pid, name)) send(pid, name);
      },
      kill: () => send(-pid, 'SIGKILL'),
    }));
  }

  /** Kills every process of the node. */
  stop(): void {
    this.#stopped = true;
    for (const group of this.#groups) send(-group, 'SIGKILL');
  }
}

function send(target: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    // Gone already: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Process 1 of a container gets only the signals that it handles; the kernel drops the others. Here it is no process 1,
 * so its table of handlers is read (Linux; elsewhere every signal is taken as handled).
 */
function handles(pid: number, signal: 'SIGTERM'): boolean {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (caught === undefined) return true;
  return (BigInt(`0x${caught}`) & (1n << BigInt(constants.signals[signal] - 1))) !== 0n;
}
