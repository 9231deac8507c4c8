import { existsSync, readFileSync } from 'node:fs';

/** What the workers of a run have noted in a file, one JSON value a line; nothing without the file. */
export function readNotes<T>(file: string): T[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.filter(Boolean).map((line) => JSON.parse(line) as T);
}
