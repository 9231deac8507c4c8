import { stringify } from 'yaml';
import { printable } from '../managed-cluster-module/feedback.ts';
import type { ExitCode } from './failures.ts';
import type { OutputFormat } from './options.ts';

/** What a command has found: as lines for people, as data for programs, and whether all is well. */
export interface Report {
  lines: readonly string[];
  data: unknown;
  code: ExitCode;
}

/** Where a command prints. */
export interface Terminal {
  /** A line, or several. */
  print(text: string): void;
  /** To standard error. */
  complain(text: string): void;
  /** Both only on a terminal; colours never with `NO_COLOR`. */
  colours: boolean;
  width: number | undefined;
  /** Undefined where nobody can answer: standard input or output is no terminal. */
  ask: ((question: string) => Promise<string>) | undefined;
}

/** Text of clusters is without control characters in every format: JSON escapes only some of them, YAML none of some. */
export function printReport(terminal: Terminal, { lines, data }: Report, format: OutputFormat): void {
  if (format === 'json') terminal.print(JSON.stringify(harmless(data), null, 2));
  else if (format === 'yaml') terminal.print(stringify(harmless(data), { lineWidth: 0 }).trimEnd());
  else for (const line of lines) terminal.print(line);
}

function harmless(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) return value.map(harmless);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([key, member]) => [printable(key), harmless(member)]));
}
