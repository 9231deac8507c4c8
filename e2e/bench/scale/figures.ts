import { assert } from '../../../shared/core/assert.ts';

/** One row of the table. */
export interface Figure {
  readonly key: string;
  readonly name: string;
  readonly unit: 's' | 'ms' | 'MiB' | '' | '/s';
  readonly measured: number;
  /** What the loop that only writes took, in the same unit. */
  readonly raw?: number | undefined;
  readonly goal?: Goal | undefined;
}

/** At most so much: of the ratio to `raw`, else of what was measured. */
export interface Goal {
  readonly of: 'ratio' | 'measured';
  readonly most: number;
  /** Of a ratio: the seconds that it is on the machine of issue 7, whose raw loop is known. */
  readonly seconds?: number;
}

/** All of one fleet. */
export interface FleetFigures {
  readonly clusters: number;
  readonly modules: number;
  readonly figures: readonly Figure[];
}

export function ratio({ measured, raw }: Figure): number | undefined {
  return raw === undefined || raw === 0 ? undefined : measured / raw;
}

/**
 * What several runs of the same give. A machine that others share is half as fast for seconds: hub and raw loop, one after the other, may be
 * in two of its moods. So of what takes time the mean counts, of the hub and of the loop: their ratio is that of all seconds;
 * of what has a bound of its own (requests, processor time, the event loop) the worst run. All have the same figures in the same order.
 */
export function acrossRuns(runs: readonly (readonly Figure[])[]): Figure[] {
  const [first = []] = runs;
  return first.map((figure, index) => {
    const { key, goal } = figure;
    const all = runs.map((run) => run[index]).filter((other) => other !== undefined);
    const isThere = (other: Figure) => other.key === key && Number.isFinite(ratio(other) ?? other.measured);
    assert(all.length === runs.length && all.every(isThere), `a run without ${key}`);
    if (goal?.of === 'measured' || goal?.seconds !== undefined) return worst(all);
    const raw = figure.raw === undefined ? {} : { raw: mean(all.map((other) => other.raw ?? Number.NaN)) };
    return { ...figure, measured: mean(all.map(({ measured }) => measured)), ...raw };
  });
}

function worst(figures: readonly Figure[]): Figure {
  const value = (figure: Figure) => ratio(figure) ?? figure.measured;
  return figures.reduce((one, other) => (value(other) > value(one) ? other : one));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Undefined without a goal. */
export function isMet(figure: Figure): boolean | undefined {
  const { goal, measured } = figure;
  if (goal === undefined) return undefined;
  const value = goal.of === 'ratio' ? ratio(figure) : measured;
  return value !== undefined && value <= goal.most;
}

/**
 * Issue 7 gives two goals in seconds, of a machine on which 3,500 POSTs take the raw loop 3.3 to 6.2 s and 0.7 s of processor time.
 * On any other machine a number of seconds says what that machine is: the goals are their ratios to the loop, the stricter ones.
 */
export const goalsInSeconds = {
  cpu: (works: number): Goal => ({ of: 'ratio', most: 4.3, seconds: (3 * works) / 3500 }),
  restart: (clusters: number): Goal => ({ of: 'ratio', most: 0.8, seconds: (5 * clusters) / 3500 }),
};

/** MiB for so many works: 180 for 3,500, 450 for 50,000. */
export function memoryGoal(works: number): Goal {
  return { of: 'measured', most: 180 + (270 * Math.max(0, works - 3500)) / 46_500 };
}

export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export function tableOf({ clusters, modules, figures }: FleetFigures): string {
  const rows = figures.map((figure) => [
    figure.name,
    said(figure.measured, figure.unit),
    figure.raw === undefined ? '' : said(figure.raw, figure.unit),
    rounded(ratio(figure)),
    goalText(figure),
    { true: 'yes', false: 'NO', undefined: '' }[String(isMet(figure))] ?? '',
  ]);
  const head = [
    `${clusters} clusters, 8 kernels, 1 to ${modules} modules`,
    'measured',
    'raw loop',
    'ratio',
    'goal',
    'met',
  ];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function goalText({ goal, unit }: Figure): string {
  if (goal === undefined) return '';
  if (goal.of === 'measured') return `≤ ${said(goal.most, unit)}`;
  return `≤ ${goal.most} × raw${goal.seconds === undefined ? '' : `: ${rounded(goal.seconds)} s of issue 7`}`;
}

function said(value: number, unit: Figure['unit']): string {
  return unit === '' ? rounded(value) : `${rounded(value)} ${unit}`;
}

function rounded(value: number | undefined): string {
  if (value === undefined) return '';
  return String(value >= 100 ? Math.round(value) : Number(value.toFixed(value >= 10 ? 1 : 3)));
}
