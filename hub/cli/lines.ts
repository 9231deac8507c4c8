import { printable } from '../managed-cluster-module/feedback.ts';

/** Headings and cells as lines whose columns stand below each other, and where each column starts. Pure. */
export function alignedLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): { lines: string[]; starts: number[] } {
  const cells = rows.map((row) => row.map(printable));
  const widths = headings.map((heading, column) =>
    cells.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), heading.length),
  );
  const last = headings.length - 1;
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const starts = headings.map((_, column) => widths.slice(0, column).reduce((sum, width) => sum + width + 2, 0));
  return { lines: [[...headings], ...cells].map(lineOf), starts };
}

export function cut(line: string, width: number | undefined): string {
  return width === undefined || line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** `colour` is a number of ANSI's SGR. */
export function paint(text: string, colour: number): string {
  return `\u001b[${colour}m${text}\u001b[0m`;
}

const namedMax = 5;

/** The first few names, and how many there are beside them. */
export function someOf(names: readonly string[], max = namedMax): string {
  const more = names.length > max ? ` and ${names.length - max} more` : '';
  return `${names.slice(0, max).join(', ')}${more}`;
}

/** `1 cluster`, `2 clusters`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
