import { existsSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { StartError } from './processes.ts';

export interface CommandOptions {
  readonly rootfs: string;
  readonly argv: readonly string[];
  /** The container's own PATH, as seen inside. */
  readonly path: string;
}

/**
 * What to run on this machine for `argv` of a container: the program, and the script of `busybox sh SCRIPT`, are named by
 * their place under the root folder; everything else is passed as it is. Throws `StartError` in the runtime's words.
 */
export function hostCommand({ rootfs, argv, path }: CommandOptions): string[] {
  const [program = '', ...rest] = argv;
  const found = candidates(program, path).find((candidate) => isFile(rootfs + candidate));
  if (found === undefined) throw new StartError(notFound(program));
  const command = rootfs + found;
  const [applet, script, ...scriptArguments] = rest;
  if (applet !== 'sh' || !script?.startsWith('/')) return [command, ...rest];
  return [command, 'sh', rootfs + script, ...scriptArguments];
}

function candidates(program: string, path: string): string[] {
  if (program.includes('/')) return [posix.resolve('/', program)];
  return path.split(':').map((folder) => posix.resolve('/', folder, program));
}

function isFile(place: string): boolean {
  return existsSync(place) && statSync(place).isFile();
}

function notFound(program: string): string {
  const why = program.includes('/')
    ? `stat ${program}: no such file or directory`
    : 'executable file not found in $PATH';
  return `failed to create containerd task: failed to create shim task: exec: "${program}": ${why}`;
}
