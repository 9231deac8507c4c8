import { oneLine } from '../core/one-line.ts';

/** Of what is kept on a Job, and shown. */
export const messageCharsMax = 700;

/** The end of a log: its last lines say why. */
export function endOfLog(text: string): string {
  return oneLine(text.trim().split('\n').slice(-6).join(' | ')).slice(-messageCharsMax);
}

export function digestIn(value: unknown): string | undefined {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value) ? value : undefined;
}
