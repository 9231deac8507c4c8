import { execFile } from 'node:child_process';

const outputBytesMax = 64 * 1024 * 1024;
const linesShown = 15;

export interface RunOptions {
  environment?: NodeJS.ProcessEnv;
  folder?: string;
  signal?: AbortSignal;
}

export interface RunResult {
  /** 127 where there is no such program, 128 where a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, and throws with the last lines that it said when that is not success. Gives what it wrote. */
export async function run(program: string, arguments_: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(program, arguments_, options);
  if (code === 0) return stdout;
  const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-linesShown).join('\n');
  throw new Error(`"${program} ${arguments_.slice(0, 6).join(' ')}" ended with exit code ${code}:\n${said}`);
}

/** Runs a program whose failure is an answer too. */
export function attempt(program: string, arguments_: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { environment, folder, signal } = options;
  const settings = {
    maxBuffer: outputBytesMax,
    ...(environment && { env: environment }),
    ...(folder && { cwd: folder }),
    ...(signal && { signal }),
  };
  return new Promise((resolve) => {
    execFile(program, [...arguments_], settings, (error, stdout, stderr) => {
      const { code = error === null ? 0 : 128 } = (error ?? {}) as { code?: number | string };
      resolve({ code: typeof code === 'number' ? code : 127, stdout, stderr });
    });
  });
}
