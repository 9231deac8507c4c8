import { alignedLines, cut, paint } from './lines.ts';
import type { Row } from './rows.ts';

export interface TableOptions {
  /** ANSI colours of the states; only for a terminal. */
  colours?: boolean;
  /** Longer lines are cut with an ellipsis; default: none is cut. */
  width?: number | undefined;
  /** With the version and the image of each row. */
  wide?: boolean;
}

const narrow = ['module', 'cluster', 'kernel', 'state', 'nodes', 'detail'] as const;
const wideColumns = ['module', 'cluster', 'kernel', 'state', 'nodes', 'version', 'image', 'detail'] as const;

const colourOf: Readonly<Record<Row['state'], number>> = {
  Loaded: 32,
  Soaking: 36,
  Loading: 33,
  Waiting: 33,
  Unmapped: 33,
  Idle: 90,
  Unreachable: 35,
  Failed: 31,
};

/** Aligned lines, a heading first. Text from clusters is printed without control characters. */
export function formatRows(
  rows: readonly Row[],
  { colours = false, width, wide = false }: TableOptions = {},
): string[] {
  const columns = wide ? wideColumns : narrow;
  const headings = columns.map((column) => column.toUpperCase());
  const cells = rows.map((row) => columns.map((column) => row[column] || (column === 'detail' ? '' : '-')));
  const { lines, starts } = alignedLines(headings, cells);
  const stateAt = starts[columns.indexOf('state')] ?? 0;
  return lines.map((line, index) => {
    const text = cut(line, width);
    const state = rows[index - 1]?.state;
    if (!colours || state === undefined) return text;
    const end = stateAt + state.length;
    return `${text.slice(0, stateAt)}${paint(text.slice(stateAt, end), colourOf[state])}${text.slice(end)}`;
  });
}
