import { readNotes } from './notes.ts';

/** Names the file where each test file notes what it took. */
export const reportVariable = 'KMM_E2E_REPORT';

/** What one test file took. */
export interface Taken {
  readonly file: string;
  readonly seconds: number;
  /** To all API servers together, by everybody. */
  readonly requests: number;
  /** Those of our programs. */
  readonly ours: number;
}

/** One line a test file. */
export function tableOf(report: string, plane: string): string {
  const taken = readNotes<Taken>(report);
  const rows = taken.sort((a, b) => a.file.localeCompare(b.file)).map(rowOf);
  const sum = (of: (each: Taken) => number) => taken.reduce((total, each) => total + of(each), 0);
  const total = { file: 'all', seconds: sum((each) => each.seconds), requests: sum((each) => each.requests) };
  const head = `\n${plane} control plane${' '.repeat(30)}`.slice(0, 46);
  return [
    `${head} seconds  requests  of our programs`,
    ...rows,
    rowOf({ ...total, ours: sum(({ ours }) => ours) }),
  ].join('\n');
}

function rowOf({ file, seconds, requests, ours }: Taken): string {
  const numbers = [seconds.toFixed(1).padStart(8), count(requests).padStart(9), count(ours).padStart(16)];
  return `${file.padEnd(45)} ${numbers.join(' ')}`;
}

/** The conformance suite does not count. */
function count(requests: number): string {
  return requests === 0 ? '-' : String(requests);
}
