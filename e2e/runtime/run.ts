import { Agent, request } from 'undici';
import type { ProgramConfig, ProgramEnvironment } from '../../shared/process/config.ts';
import type { ProgramHost } from '../../shared/process/host.ts';
import { type Program, runProgram } from '../../shared/process/program.ts';
import { eventually } from '../world/eventually.ts';

export interface Page {
  status: number;
  body: string;
  url: string;
}

/** A program that runs in this process, its log lines, and the means to end it. */
export interface Run {
  code: Promise<number>;
  lines: Record<string, unknown>[];
  said: string[];
  terminate(): void;
  /** Of the address that the program logged with `text`. Whatever certificate it has is taken. */
  page(text: string, path: string, token?: string): Promise<Page>;
}

export function startRun<C extends ProgramConfig, E extends ProgramEnvironment>(
  program: Program<C, E>,
  host: Pick<ProgramHost, 'arguments' | 'environment'> & Partial<ProgramHost>,
): Run {
  const lines: Record<string, unknown>[] = [];
  const said: string[] = [];
  const terminations = new Set<(signal: string) => void>();
  const code = runProgram(program, {
    hostname: 'pod',
    say: (line) => said.push(line),
    onTermination(listener) {
      terminations.add(listener);
      return () => terminations.delete(listener);
    },
    keepAlive: () => () => undefined,
    logDestination: { write: (line) => void lines.push(JSON.parse(line)) },
    ...host,
  });
  return {
    code,
    lines,
    said,
    terminate: () => {
      for (const listener of terminations) listener('SIGTERM');
    },
    async page(text, path, token) {
      const url = await eventually(text, () => lines.find(({ msg }) => msg === text)?.['url'] as string | undefined);
      return getPage(`${url}${path}`, token);
    },
  };
}

export async function getPage(url: string, token?: string): Promise<Page> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await request(url, { headers, dispatcher, reset: true });
    return { status: answer.statusCode, body: await answer.body.text(), url };
  } finally {
    await dispatcher.close();
  }
}
