/** One line of a `/metrics` page. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** A metric with everything that stands under its name; a histogram's `_bucket`, `_sum` and `_count` lines too. */
export interface MetricFamily {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  samples: Sample[];
}

/**
 * Reads a page of the Prometheus text format 0.0.4 as strictly as its rules are (prometheus.io, "Exposition formats"), and
 * as promtool does where those are lax: each metric has HELP, TYPE and its samples in one group, no series twice, no other
 * escape than `\\`, `\"` and `\n`, counters end in `_total` and only they do, histograms add up. Throws what is wrong.
 */
export function parseExposition(text: string): Map<string, MetricFamily> {
  if (!text.endsWith('\n')) throw new Error('expected a line feed at the end');
  const families = new Map<string, MetricFamily>();
  let present: Partial<MetricFamily> | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) ([^ ]+)(?: (.*))?$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (families.has(name)) throw new Error(`${name}: a second HELP, or its lines are not together`);
      if (/\\(?![\\n])/.test(rest) || rest === '') throw new Error(`${name}: a HELP that is empty or wrongly escaped`);
      present = { name, help: rest.replaceAll('\\n', '\n').replaceAll('\\\\', '\\'), samples: [] };
    } else if (keyword === 'TYPE') {
      if (present?.name !== name || present.type !== undefined)
        throw new Error(`${name}: TYPE does not follow its HELP`);
      families.set(name, checkedType(Object.assign(present, { type: rest }) as MetricFamily));
    } else if (line.startsWith('#')) {
      throw new Error(`expected # HELP or # TYPE, got ${line}`);
    } else {
      addSample(present, parseSample(line));
    }
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

/** The value of the one series of `name` with exactly these labels; undefined when there is none. */
export function seriesValue(text: string, name: string, labels: Readonly<Record<string, string>> = {}) {
  const wanted = seriesKey({ name, labels });
  for (const { samples } of parseExposition(text).values()) {
    const found = samples.find((sample) => seriesKey(sample) === wanted);
    if (found !== undefined) return found.value;
  }
  return undefined;
}

function checkedType(family: MetricFamily): MetricFamily {
  const { name, type } = family;
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`${name} is no name of a metric`);
  if (!['counter', 'gauge', 'histogram'].includes(type)) throw new Error(`${name}: unexpected type ${type}`);
  if ((type === 'counter') !== name.endsWith('_total'))
    throw new Error(`${name}: _total is for counters, and for each`);
  return family;
}

function addSample(family: Partial<MetricFamily> | undefined, sample: Sample): void {
  const { name = '', type, samples = [] } = family ?? {};
  const names = type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
  if (type === undefined || !names.includes(sample.name)) throw new Error(`${sample.name} stands outside its metric`);
  const key = seriesKey(sample);
  if (samples.some((other) => seriesKey(other) === key)) throw new Error(`${key} is there twice`);
  if (type === 'counter' && !(sample.value >= 0)) throw new Error(`${key}: a counter of ${sample.value}`);
  samples.push(sample);
}

function seriesKey({ name, labels }: Pick<Sample, 'name' | 'labels'>): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

function parseSample(line: string): Sample {
  const [whole = '', name = '', open] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?/.exec(line) ?? [];
  let rest = line.slice(whole.length);
  const labels: Record<string, string> = {};
  while (open !== undefined && !rest.startsWith('}')) {
    const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,(?=[^}])|(?=\}))/.exec(rest);
    if (label === null) throw new Error(`expected label="value", got ${rest}`);
    const [matched, key = '', value = ''] = label;
    if (key.startsWith('__') || key in labels) throw new Error(`${name}: label ${key} is reserved or there twice`);
    labels[key] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(matched.length);
  }
  const value = /^ ([+-]?(?:Inf|\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN)$/i.exec(open === undefined ? rest : rest.slice(1));
  if (name === '' || value === null) throw new Error(`expected a sample, got ${line}`);
  return { name, labels, value: Number((value[1] ?? '').replace(/inf/i, 'Infinity')) };
}

/** Every labelling has ascending buckets that never fall, the last being +Inf with the count, and a sum. */
function checkHistogram({ name, samples }: MetricFamily): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => seriesKey({ name, labels }));
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number((labels['le'] ?? 'NaN').replace('Inf', 'Infinity')));
    const only = (suffix: string) => group.find((sample) => sample.name === name + suffix)?.value;
    const ascends = (values: readonly number[], by: (a: number, b: number) => boolean) =>
      values.every((value, index) => index === 0 || by(values[index - 1] ?? Number.NaN, value));
    if (!ascends(bounds, (a, b) => a < b) || bounds.at(-1) !== Number.POSITIVE_INFINITY)
      throw new Error(`${key}: buckets must ascend to +Inf`);
    if (
      !ascends(
        buckets.map(({ value }) => value),
        (a, b) => a <= b,
      )
    )
      throw new Error(`${key}: buckets must not fall`);
    if (only('_count') !== buckets.at(-1)?.value || only('_sum') === undefined)
      throw new Error(`${key}: expected _sum, and _count as in the bucket +Inf`);
  }
}
