import type { Log } from '../core/log.ts';
import { type Runtime, silentMeters } from '../kube/runtime.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface LogLine {
  level: keyof Omit<Log, 'child'>;
  text: string;
  fields: Record<string, unknown>;
}

/** A runtime of a virtual clock, chance that is always the middle, and a log that is kept. */
export function testRuntime(overrides: Partial<Runtime> = {}) {
  const clock = new VirtualClock();
  const lines: LogLine[] = [];
  const runtime: Runtime = { clock, random: () => 0.5, log: recording(lines, {}), meters: silentMeters, ...overrides };
  return { clock, lines, runtime };
}

function recording(lines: LogLine[], bound: object): Log {
  const at = (level: LogLine['level']) => (fields: object, text: string) => {
    lines.push({ level, text, fields: { ...bound, ...fields } });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recording(lines, { ...bound, ...fields }),
  };
}
