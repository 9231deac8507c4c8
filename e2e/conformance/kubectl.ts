import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Stock kubectl with a folder of its own, as an administrator. */
export interface Kubectl {
  /** All that it said; throws when it failed. */
  call(...args: string[]): Promise<string>;
  /** What it says when it fails, which it must. */
  refused(...args: string[]): Promise<string>;
  /** Writes a file that it can read; gives its path. */
  file(name: string, text: string): Promise<string>;
  stop(): Promise<void>;
}

/** Whether this machine has kubectl. If not, that is said, with what a reader has instead. */
export async function hasKubectl(instead: string): Promise<boolean> {
  const found = await run('kubectl', ['version', '--client']).catch(() => undefined);
  if (found === undefined) process.stderr.write(`SKIPPED: this machine has no kubectl; ${instead}\n`);
  return found !== undefined;
}

/** `editor` is what `kubectl edit` runs on the file. Undefined on a machine without kubectl, which is said. */
export async function findKubectl(kubeconfig: string, editor: string): Promise<Kubectl | undefined> {
  if (!(await hasKubectl('kubectl-requests.test.ts sends what it would send'))) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'kmm-kubectl-'));
  const path = (name: string) => join(folder, name);
  await writeFile(path('config'), kubeconfig);
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: path('config'), KUBE_EDITOR: editor };
  const call = async (...args: string[]) => {
    const { stdout, stderr } = await run('kubectl', args, { env, timeout: 30_000 });
    return stdout + stderr;
  };
  return {
    call,
    refused: async (...args) => {
      const failure = await call(...args).then(
        (said) => new Error(`expected kubectl ${args.join(' ')} to fail, it said: ${said}`),
        (error: { stderr: string }) => error,
      );
      if (failure instanceof Error && !('stderr' in failure)) throw failure;
      return (failure as { stderr: string }).stderr;
    },
    async file(name, text) {
      await writeFile(path(name), text);
      return path(name);
    },
    stop: () => rm(folder, { recursive: true }),
  };
}
