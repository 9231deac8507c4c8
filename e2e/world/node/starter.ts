/**
 * Program that starts processes for the one that it is a child of, told by messages. To start a process costs in proportion to the
 * memory of who starts it (1.3 ms of processor time from 40 MB, 17 ms from 400 MB), and each pod of a fast world is probed
 * twice a second. When its parent is gone, however it went, it kills all that is left and ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

export interface StartRequest {
  readonly id: number;
  readonly argv: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What the parent is told of request `id`. */
export type StartNews = { readonly id: number } & (
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'ended'; readonly code: number }
);

/** Each is a group of its own. */
const groups = new Set<number>();

function tell(news: StartNews): void {
  if (process.connected) process.send?.(news);
}

function start({ id, argv, folder, environment }: StartRequest): void {
  const [program = '', ...rest] = argv;
  try {
    const child = spawn(program, rest, {
      cwd: folder,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    follow(id, child);
  } catch (error) {
    // Arguments and variables that hold NUL reach no program, here as on a node.
    const { code, message } = error as NodeJS.ErrnoException;
    tell({ id, kind: 'failed', message: code === 'ERR_INVALID_ARG_VALUE' ? 'invalid argument' : message });
  }
}

function follow(id: number, child: ChildProcess): void {
  const { pid } = child;
  child.once('error', ({ message }) => tell({ id, kind: 'failed', message }));
  if (pid === undefined) return;
  groups.add(pid);
  tell({ id, kind: 'started', pid });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => tell({ id, kind: 'output', text }));
  }
  let code = 0;
  child.once('exit', (exitCode, signal) => {
    code = exitCode ?? 128 + constants.signals[signal ?? 'SIGKILL'];
    // What process 1 leaves behind dies with its namespace.
    kill(pid);
  });
  child.once('close', () => {
    groups.delete(pid);
    tell({ id, kind: 'ended', code });
  });
}

function kill(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    // Gone already: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

process.on('message', start);
process.on('disconnect', () => {
  for (const group of groups) kill(group);
  process.exit();
});
