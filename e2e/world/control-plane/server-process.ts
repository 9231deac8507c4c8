import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import { errorMessage } from '../../../shared/core/errors.ts';
import type { Lifeline } from './lifeline.ts';

/** A server gets this long to end by itself; what the tests need it to have written is written by then. */
const politeMs = 5_000;
const lookAgainMs = 50;
const logLines = 20;

export interface ServerProcess {
  program: string;
  pid: number;
  logPath: string;
  /** Throws, with the end of the log, once it has ended without being stopped. */
  assertRuns(): void;
  /** It gets no processor time until `resume`; it can be stopped meanwhile. */
  pause(): void;
  resume(): void;
  /** `politely`: by SIGTERM first. */
  stop(options?: { politely?: boolean }): Promise<void>;
}

/** A server that did not come to be, or ended by itself. */
export class ServerFailure extends Error {
  override name = 'ServerFailure';
}

/** What a server takes of the machine. `atWill`: as Go does by itself, for as many objects as may come. */
export type Share = { readonly memoryMiB: number } | 'atWill';

/**
 * Processor time is short here, memory is not: nothing is collected before the bound is reached. Nobody dies of that, but
 * what lives must stay well below it: else the collector runs all the time. And many servers share few processors: one that
 * would use all of them spends a third more on a start, handing its work around.
 */
function shareVariables(share: Share): Record<string, string> {
  return share === 'atWill' ? {} : { GOGC: 'off', GOMEMLIMIT: `${share.memoryMiB}MiB`, GOMAXPROCS: '1' };
}

export function startServer(
  lifeline: Lifeline,
  path: string,
  options: { arguments: readonly string[]; share: Share },
): ServerProcess {
  const program = basename(path);
  const log = `${program}.log`;
  const logPath = join(lifeline.folder, log);
  const environment = {
    PATH: process.env['PATH'],
    HOME: lifeline.folder,
    ...shareVariables(options.share),
  };
  const child = lifeline.start(path, { arguments: options.arguments, environment, log });
  let end: string | undefined;
  const exited = new Promise<void>((resolve) => {
    const ended = (how: string) => {
      end = how;
      resolve();
    };
    child.on('exit', (code, signal) => ended(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.on('error', (error) => ended(errorMessage(error)));
  });
  return {
    program,
    pid: child.pid ?? -1,
    logPath,
    assertRuns() {
      if (end === undefined) return;
      throw new ServerFailure(`${program} ended by itself (${end}); the end of its log:\n${logEnd(logPath)}`);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop({ politely = false } = {}) {
      if (end !== undefined) return;
      if (politely) {
        child.kill('SIGTERM');
        const enough = new AbortController();
        await Promise.race([exited, sleep(systemClock, politeMs, enough.signal)]);
        enough.abort();
      }
      if (end === undefined) child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Waits until `ready` gives true. Throws when one of the servers ends before, or `limitMs` passes; both say what the first server's log says. */
export async function untilReady(
  servers: readonly ServerProcess[],
  what: string,
  limitMs: number,
  ready: () => Promise<boolean>,
): Promise<void> {
  const began = systemClock.now();
  let seen = 'nothing';
  for (;;) {
    for (const server of servers) server.assertRuns();
    try {
      if (await ready()) return;
      seen = 'not yet';
    } catch (error) {
      seen = errorMessage(error);
    }
    if (systemClock.now() - began > limitMs) {
      const logs = servers.map(({ program, logPath }) => `${program}:\n${logEnd(logPath)}`).join('\n');
      throw new ServerFailure(
        `expected within ${limitMs / 1000} s: ${what}; last seen: ${seen}; ends of the logs:\n${logs}`,
      );
    }
    await sleep(systemClock, lookAgainMs);
  }
}

function logEnd(path: string, lines = logLines): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
