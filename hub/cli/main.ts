import { createInterface } from 'node:readline/promises';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { printable } from '../managed-cluster-module/feedback.ts';
import { exitCodes } from './failures.ts';
import type { Terminal } from './report.ts';
import { runCommand } from './run.ts';

const { stdin, stdout, stderr, env } = process;
const isTerminal = stdout.isTTY === true;

const terminal: Terminal = {
  print: (text) => stdout.write(`${text}\n`),
  complain: (text) => stderr.write(`${text}\n`),
  colours: isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
  get width() {
    return isTerminal ? stdout.columns : undefined;
  },
  ask: isTerminal && stdin.isTTY === true ? ask : undefined,
};

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stdout });
  lines.on('SIGINT', () => stopping.abort());
  try {
    // The end of the input is no answer: it is waited for no longer.
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    return await Promise.race([lines.question(question, { signal: stopping.signal }), ended]);
  } finally {
    lines.close();
  }
}

const log = {
  ...silentLog,
  warn: (fields: object, text: string) =>
    terminal.complain(printable(`kubectl kmm: ${text}: ${JSON.stringify(fields)}`)),
  child: () => log,
};

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
// `kubectl kmm status | head`: nobody reads on, which is no mistake.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.fine);
});
// While a watch waits to be begun again there is nothing else that keeps the process.
const awake = new MessageChannel();
awake.port1.on('message', () => undefined);

process.exitCode = await runCommand({
  arguments: process.argv.slice(2),
  environment: env,
  terminal,
  runtime: { clock: systemClock, random: Math.random, log, meters: silentMeters },
  signal: stopping.signal,
});
awake.port1.close();
