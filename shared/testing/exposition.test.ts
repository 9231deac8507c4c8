import assert from 'node:assert/strict';
import { parseExposition, seriesValue } from './exposition.ts';

const head = (name: string, type: string) => `# HELP ${name} what it is\n# TYPE ${name} ${type}\n`;
const histogram = (lines: readonly string[]) =>
  `${head('h', 'histogram')}${lines.map((line) => `h_${line}\n`).join('')}`;

describe('the strict reader of metrics pages', () => {
  it('reads names, help, types, labels and values', () => {
    const page = `${head('a_total', 'counter')}a_total{x="1\\n\\"\\\\",y=""} 2\na_total 1e+21\n\n${head('b', 'gauge')}b -0.5\n`;
    const families = parseExposition(page);
    assert.deepEqual(families.get('a_total')?.samples[0], {
      name: 'a_total',
      labels: { x: '1\n"\\', y: '' },
      value: 2,
    });
    assert.equal(families.get('b')?.help, 'what it is');
    assert.equal(seriesValue(page, 'b'), -0.5);
    assert.equal(seriesValue(page, 'b', { x: '1' }), undefined);
    assert.equal(parseExposition(histogram(['bucket{le="1"} 1', 'bucket{le="+Inf"} 2', 'sum 3', 'count 2'])).size, 1);
  });

  const wrong: readonly [string, string][] = [
    ['no line feed at the end', `${head('b', 'gauge')}b 1`],
    ['a sample without TYPE', '# HELP b x\nb 1\n'],
    ['a sample without anything', 'b 1\n'],
    ['TYPE without HELP', '# TYPE b gauge\nb 1\n'],
    ['a metric in two places', `${head('b', 'gauge')}b 1\n${head('c', 'gauge')}c 1\n${head('b', 'gauge')}`],
    ['a sample in the group of another', `${head('b', 'gauge')}b 1\n${head('c', 'gauge')}b{x="1"} 1\n`],
    ['a series twice', `${head('b', 'gauge')}b{x="1",y="2"} 1\nb{y="2",x="1"} 1\n`],
    ['a label twice', `${head('b', 'gauge')}b{x="1",x="2"} 1\n`],
    ['a reserved label', `${head('b', 'gauge')}b{__x="1"} 1\n`],
    ['an unknown escape', `${head('b', 'gauge')}b{x="\\t"} 1\n`],
    ['an unescaped quote', `${head('b', 'gauge')}b{x="""} 1\n`],
    ['a value that is no number', `${head('b', 'gauge')}b one\n`],
    ['a comment', `# hello\n${head('b', 'gauge')}`],
    ['a gauge called _total', head('b_total', 'gauge')],
    ['a counter not called _total', head('b', 'counter')],
    ['a counter below 0', `${head('b_total', 'counter')}b_total -1\n`],
    ['a histogram without +Inf', histogram(['bucket{le="1"} 1', 'sum 3', 'count 1'])],
    ['buckets that fall', histogram(['bucket{le="1"} 2', 'bucket{le="+Inf"} 1', 'sum 3', 'count 1'])],
    [
      'buckets out of order',
      histogram(['bucket{le="2"} 1', 'bucket{le="1"} 1', 'bucket{le="+Inf"} 1', 'sum 3', 'count 1']),
    ],
    ['a count that is not that of +Inf', histogram(['bucket{le="+Inf"} 1', 'sum 3', 'count 2'])],
    ['a histogram without a sum', histogram(['bucket{le="+Inf"} 1', 'count 1'])],
  ];
  for (const [what, page] of wrong) it(`refuses ${what}`, () => assert.throws(() => parseExposition(page), Error));
});
