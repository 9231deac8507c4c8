import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { sleep, systemClock } from '../../../shared/core/clock.ts';

/** A person works on the machine meanwhile. */
const niceness = 10;
/** Pauses before the downloads are tried again; what has come is kept in Go's module cache. */
const downloadPausesMs = [2_000, 10_000, 30_000] as const;
const outputCharsMax = 4_000;

export interface GoRun {
  /** Undefined when there is no such program. */
  code: number | undefined;
  stdout: string;
  /** Its end. */
  stderr: string;
}

export type Go = (...arguments_: readonly string[]) => Promise<GoRun>;
export type Say = (line: string) => void;

/** Runs `go` in the folder of a module, with the machine's own proxy and caches. */
export function goIn(folder: string, environment: NodeJS.ProcessEnv): Go {
  // Neither a workspace around the checkout nor a C compiler on the machine may change what is built.
  const env = { ...environment, GOWORK: 'off', CGO_ENABLED: '0' };
  return (...arguments_) =>
    new Promise((resolve, reject) => {
      const child = spawn('go', arguments_, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk) => (stdout += chunk));
      child.stderr.on('data', (chunk) => (stderr = `${stderr}${chunk}`.slice(-outputCharsMax)));
      child.on('spawn', () => child.pid !== undefined && setPriority(child.pid, niceness));
      child.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') resolve({ code: undefined, stdout, stderr });
        else reject(error);
      });
      child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
    });
}

/**
 * The machine's Go as its message may name it: undefined when there is none. In a module's folder a Go of 1.21 or newer
 * fetches the one that go.mod asks for, when its settings let it.
 */
export async function goVersion(go: Go): Promise<string | undefined> {
  const { code, stdout, stderr } = await go('env', 'GOVERSION');
  if (code === undefined) return undefined;
  const [, version] = /^go(\d+\.\d+(?:\.\d+)?)/.exec(stdout) ?? [];
  return code === 0 && version !== undefined ? version : `one that cannot be used: ${(stderr || stdout).trim()}`;
}

export function isAtLeast(version: string, needed: string): boolean {
  if (!/^\d+\.\d+/.test(version)) return false;
  const [seen, wanted] = [version, needed].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (const [index, part] of wanted.entries()) {
    const own = seen[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

/** Fetches the modules, trying again when the network fails. A checksum that does not fit go.sum is never tried again. */
export async function downloadModules(go: Go, say: Say, pausesMs: readonly number[] = downloadPausesMs): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const run = await go('mod', 'download');
    if (run.code === 0) return;
    const pauseMs = pausesMs[attempt];
    const reason = run.stderr.trim();
    if (pauseMs === undefined || /checksum mismatch|SECURITY ERROR/.test(reason)) {
      throw new Error(`control plane: "go mod download" failed: ${reason}`);
    }
    say(`the download of the Go modules failed (what came is kept); again in ${pauseMs / 1000} s: ${lastLine(reason)}`);
    await sleep(systemClock, pauseMs);
  }
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1);
}
