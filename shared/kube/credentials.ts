import { type ExecFileException, execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import { oneLine } from '../core/one-line.ts';
import { KubeError } from './errors.ts';

/** A client-go credential plugin (`client.authentication.k8s.io`). */
export interface ExecConfig {
  apiVersion: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

export type CredentialSource =
  | { kind: 'none' }
  | { kind: 'token'; token: string }
  | { kind: 'tokenFile'; path: string }
  | { kind: 'basic'; username: string; password: string }
  | { kind: 'exec'; exec: ExecConfig };

/** Gives the value of the Authorization header. */
export interface Credentials {
  /** Throws `KubeError` (401, `Unauthorized`) when there is nothing to be had. */
  authorization(): Promise<string | undefined>;
  /** The server refused the last value: the next call looks anew. Returns whether that can give another value. */
  refused(): boolean;
}

/** Bound service account tokens are renewed in their file long before they end; client-go reads it again as often. */
const tokenFileFreshMs = 60_000;
const execTimeoutMs = 60_000;
const execOutputBytesMax = 1024 * 1024;

export function credentials(source: CredentialSource, clock: Clock): Credentials {
  switch (source.kind) {
    case 'none':
      return fixed(undefined);
    case 'token':
      return fixed(`Bearer ${source.token}`);
    case 'basic':
      return fixed(`Basic ${Buffer.from(`${source.username}:${source.password}`).toString('base64')}`);
    case 'tokenFile':
      return renewed(async () => {
        const readMs = clock.passed();
        const value = `Bearer ${(await readFile(source.path, 'utf8')).trim()}`;
        return { value, isOver: () => clock.passed() - readMs >= tokenFileFreshMs };
      });
    case 'exec':
      return renewed(() => runPlugin(source.exec, clock));
  }
}

function fixed(value: string | undefined): Credentials {
  return { authorization: () => Promise.resolve(value), refused: () => false };
}

interface Renewable {
  value: string;
  isOver(): boolean;
}

/** Asks `renew` once for many callers, and again when its value is over or was refused. */
function renewed(renew: () => Promise<Renewable>): Credentials {
  let current: Promise<Renewable> | undefined;
  const ask = async (): Promise<Renewable> => {
    try {
      return await renew();
    } catch (error) {
      current = undefined;
      throw new KubeError(401, 'Unauthorized', `no credentials: ${errorMessage(error)}`);
    }
  };
  return {
    async authorization() {
      current ??= ask();
      const asked = current;
      const { value, isOver } = await asked;
      if (!isOver()) return value;
      // Many callers find it over at once: the first of them asks.
      if (current === asked || current === undefined) current = ask();
      return (await current).value;
    },
    refused() {
      current = undefined;
      return true;
    },
  };
}

const credentialSchema = z.looseObject({
  status: z.looseObject({
    token: z.string().min(1).optional(),
    expirationTimestamp: z.string().optional(),
    clientCertificateData: z.string().optional(),
  }),
});

async function runPlugin(exec: ExecConfig, clock: Clock): Promise<Renewable> {
  const info = { apiVersion: exec.apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  const output = await run(exec, { ...process.env, ...exec.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) });
  let json: unknown;
  try {
    json = JSON.parse(output);
  } catch {
    // The output may hold a credential: it is not quoted.
    throw new Error(`${exec.command} printed no JSON`);
  }
  const { status } = credentialSchema.parse(json);
  if (status.token === undefined) {
    const what =
      status.clientCertificateData === undefined ? 'no token' : 'a client certificate, which is not supported';
    throw new Error(`${exec.command} gave ${what}`);
  }
  // Not a number without a time, or of one that is none: it is never over.
  const untilMs = Date.parse(status.expirationTimestamp ?? '');
  return { value: `Bearer ${status.token}`, isOver: () => clock.now() >= untilMs };
}

function run(exec: ExecConfig, env: NodeJS.ProcessEnv): Promise<string> {
  const options = { env, timeout: execTimeoutMs, maxBuffer: execOutputBytesMax, encoding: 'utf8' } as const;
  return new Promise((resolve, reject) => {
    execFile(exec.command, exec.args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      // Never the error's own message: it holds the arguments, and those may hold a credential.
      else reject(new Error(`${exec.command} failed: ${oneLine(stderr).slice(0, 500) || endOf(error)}`));
    });
  });
}

function endOf(error: ExecFileException): string {
  if (error.killed) return `no answer within ${execTimeoutMs / 1000} s`;
  return typeof error.code === 'number' ? `exit code ${error.code}` : String(error.code ?? error.signal ?? 'unknown');
}
