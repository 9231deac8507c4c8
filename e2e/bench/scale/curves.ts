import type { FleetFigures } from './figures.ts';

/** One small chart: lines of figures over the number of clusters. */
interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly { readonly key: string; readonly of: 'measured' | 'raw'; readonly name: string }[];
}

const hubAndRaw = (key: string) => [
  { key, of: 'measured', name: 'hub' } as const,
  { key, of: 'raw', name: 'raw loop' } as const,
];
const hubOnly = (key: string, name = 'hub') => [{ key, of: 'measured', name } as const];

const charts: readonly Chart[] = [
  { title: 'new module → last work', unit: 's', lines: hubAndRaw('new-module') },
  { title: 'new image → last work', unit: 's', lines: hubAndRaw('new-image') },
  { title: 'CPU for the new works', unit: 's', lines: hubAndRaw('new-module-cpu') },
  { title: 'requests a cluster', unit: '', lines: hubAndRaw('new-module-requests') },
  { title: "a kernel change → the cluster's work, p99", unit: 'ms', lines: hubAndRaw('kernel') },
  { title: 'last report → status', unit: 's', lines: hubOnly('reports') },
  {
    title: 'restart → first decision',
    unit: 's',
    lines: [
      { key: 'restart', of: 'measured', name: 'hub' },
      { key: 'restart-synced', of: 'raw', name: 'the same lists alone' },
    ],
  },
  {
    title: 'resident memory',
    unit: 'MiB',
    lines: [...hubOnly('rss', '1 module'), ...hubOnly('rss-modules', 'all modules')],
  },
];

const size = { columns: 4, width: 280, height: 200, left: 46, right: 14, top: 34, bottom: 30 } as const;
const colours = ['#1f6feb', '#d1242f'] as const;

/** An SVG of small charts; it carries its own ground, so that it can be read on light and dark pages. */
export function curves(fleets: readonly FleetFigures[], machine: string): string {
  const sorted = [...fleets].sort((a, b) => a.clusters - b.clusters);
  const shown = charts.filter(({ lines }) => lines.some((line) => pointsOf(sorted, line).length > 0));
  const rows = Math.ceil(shown.length / size.columns);
  const [width, height] = [size.columns * size.width, rows * size.height + 24];
  const body = shown.map((chart, index) => {
    const [x, y] = [(index % size.columns) * size.width, Math.floor(index / size.columns) * size.height];
    return `<g transform="translate(${x} ${y})">\n${chartOf(chart, sorted)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" fill="#1f2328">`,
    '<title>What the hub costs over the number of clusters</title>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...body,
    text(8, height - 8, escaped(`over the number of clusters; ${machine}`)),
    '</svg>\n',
  ].join('\n');
}

function pointsOf(fleets: readonly FleetFigures[], { key, of }: Chart['lines'][number]): [x: number, y: number][] {
  return fleets.flatMap(({ clusters, figures }): [number, number][] => {
    const value = figures.find((figure) => figure.key === key)?.[of];
    return value === undefined || Number.isNaN(value) ? [] : [[clusters, value]];
  });
}

function chartOf({ title, unit, lines }: Chart, fleets: readonly FleetFigures[]): string {
  const all = lines.map((line) => ({ ...line, points: pointsOf(fleets, line) }));
  const xMost = Math.max(...fleets.map(({ clusters }) => clusters));
  const yMost = roundUp(Math.max(...all.flatMap(({ points }) => points.map(([, y]) => y))));
  const { width, height, left, right, top, bottom } = size;
  const xOf = (value: number) => left + ((width - left - right) * value) / xMost;
  const yOf = (value: number) => height - bottom - ((height - top - bottom) * value) / yMost;
  const grid = [0, yMost / 2, yMost].map(
    (value) =>
      `<line x1="${left}" x2="${width - right}" y1="${fixed(yOf(value))}" y2="${fixed(yOf(value))}" stroke="#d0d7de"/>` +
      text(left - 5, yOf(value) + 4, String(Number(value.toPrecision(3))), 'end'),
  );
  const ticks = fleets.map(({ clusters }) => text(xOf(clusters), height - bottom + 15, String(clusters), 'middle'));
  const drawn = all.map(({ points, name }, index) => {
    const colour = colours[index] ?? colours[0];
    const path = points.map(([x, y]) => `${fixed(xOf(x))},${fixed(yOf(y))}`);
    const dots = path.map((at) => `<circle cx="${at.replace(',', '" cy="')}" r="2.5" fill="${colour}"/>`);
    const label = `<text x="${left + 6 + index * 90}" y="${top + 8}" fill="${colour}">${escaped(name)}</text>`;
    return `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>${dots.join('')}${label}`;
  });
  const heading = `<text x="8" y="18" font-weight="bold">${escaped(title)}${unit === '' ? '' : `, ${unit}`}</text>`;
  return [heading, ...grid, ...ticks, ...drawn].join('\n');
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${content}</text>`;
}

/** The next of 1, 2, 5 and their tens. */
function roundUp(value: number): number {
  const ten = 10 ** Math.floor(Math.log10(value || 1));
  return ([1, 2, 5, 10].find((factor) => factor * ten >= value) ?? 10) * ten;
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
