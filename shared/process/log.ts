import { type DestinationStream, pino } from 'pino';
import type { Log } from '../core/log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** JSON lines on standard output (or `destination`): level, ISO time, program, the fields, then the constant text as `msg`. */
export function makeLog(options: { program: string; level: LogLevel; destination?: DestinationStream }): Log {
  const settings = {
    level: options.level,
    base: { program: options.program },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}
