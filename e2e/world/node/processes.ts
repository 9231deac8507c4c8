import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';

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

/** Arguments and variables that hold NUL reach no program, here as on a node. */
function spawned(program: string, rest: readonly string[], { folder, environment }: ProcessOptions) {
  try {
    return spawn(program, rest, {
      cwd: folder,
      env: { ...environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_INVALID_ARG_VALUE') throw new StartError('invalid argument');
    throw error;
  }
}

/**
 * Runs the processes of one node, each in its own process group. A watchdog shell holds the end of a pipe: when this
 * program dies, however it dies, the pipe closes and the watchdog kills every group that is left.
 */
export class Processes {
  readonly #groups = new Set<number>();
  readonly #watchdog: ChildProcess;

  constructor() {
    this.#watchdog = spawn('/bin/sh', ['-c', watchdogScript], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.#watchdog.unref();
    this.#pipe.on('error', () => undefined);
    if ('unref' in this.#pipe && typeof this.#pipe.unref === 'function') this.#pipe.unref();
  }

  /** Throws `StartError` when there is no such program or it cannot be executed. */
  async start(options: ProcessOptions, attemptsLeft = 5): Promise<WorldProcess> {
    const [program = '', ...rest] = options.argv;
    const child = spawned(program, rest, options);
    const exited = this.#follow(child, options.onOutput);
    const { pid } = child;
    if (pid === undefined) {
      const failure = await spawnFailure(child);
      // A process that is just being forked holds every file open that this program is writing at that moment.
      if (failure.code === 'ETXTBSY' && attemptsLeft > 0) return this.start(options, attemptsLeft - 1);
      throw new StartError(failure.message);
    }
    this.#groups.add(pid);
    this.#pipe.write(`add ${pid}\n`);
    return {
      pid,
      exited,
      signal: (name) => {
        if (handles(pid, name)) send(pid, name);
      },
      kill: () => send(-pid, 'SIGKILL'),
    };
  }

  /** Kills every process of the node and lets the watchdog go. */
  stop(): void {
    for (const group of this.#groups) send(-group, 'SIGKILL');
    this.#pipe.end();
  }

  get #pipe(): Writable {
    return this.#watchdog.stdin as Writable;
  }

  #follow(child: ChildProcess, onOutput: (text: string) => void): Promise<number> {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', onOutput);
    }
    return new Promise((resolve) => {
      let code = 0;
      child.once('error', () => resolve(128));
      child.once('exit', (exitCode, signal) => {
        code = exitCode ?? 128 + constants.signals[signal ?? 'SIGKILL'];
        // What process 1 leaves behind dies with its namespace.
        if (child.pid !== undefined) send(-child.pid, 'SIGKILL');
      });
      child.once('close', () => {
        if (child.pid !== undefined) this.#forget(child.pid);
        resolve(code);
      });
    });
  }

  #forget(pid: number): void {
    this.#groups.delete(pid);
    if (this.#pipe.writable) this.#pipe.write(`end ${pid}\n`);
  }
}

const watchdogScript = `groups=' '
while read -r verb group; do
  case $verb in
    add) groups="$groups$group " ;;
    end) before=\${groups%% $group *}; after=\${groups#* $group }; groups="$before $after" ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done`;

function spawnFailure(child: ChildProcess): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve) => child.once('error', resolve));
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
