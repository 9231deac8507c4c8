import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseExposition, seriesValue } from '../testing/exposition.ts';
import { PrometheusMeters } from './metrics.ts';

const pageOf = async (meters: PrometheusMeters) => (await meters.exposition()).body;

describe('the meters of a program', () => {
  it('give a page that keeps the rules of the text format, whatever stands in a label', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    const series = fc.uniqueArray(fc.record({ a: text, b: text, value: fc.nat() }), {
      maxLength: 5,
      selector: ({ a, b }) => JSON.stringify([a, b]),
    });
    await fc.assert(
      fc.asyncProperty(series, async (all) => {
        const meters = new PrometheusMeters();
        const labels = ['a', 'b'];
        const help = 'what it is';
        for (const { value, ...of } of all) {
          meters.counter({ name: 'c_total', help, labels }).add(of, value);
          meters.gauge({ name: 'g', help, labels }).set(value, of);
          meters.histogram({ name: 'h', help, labels, buckets: [1, 10] }).observe(value, of);
        }
        const page = await pageOf(meters);
        assert.equal(parseExposition(page).get('c_total')?.help ?? help, help);
        for (const { value, ...of } of all) {
          for (const name of ['c_total', 'g', 'h_sum']) assert.equal(seriesValue(page, name, of), value);
          assert.equal(seriesValue(page, 'h_bucket', { ...of, le: '10' }), value <= 10 ? 1 : 0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('read what they follow at each look, until they follow it no more', async () => {
    const meters = new PrometheusMeters();
    const gauge = meters.gauge({ name: 'depth', help: 'depth', labels: ['of'] });
    let depth = 1;
    const stop = gauge.follow(() => depth, { of: 'a' });
    assert.equal(seriesValue(await pageOf(meters), 'depth', { of: 'a' }), 1);
    depth = 2;
    assert.equal(seriesValue(await pageOf(meters), 'depth', { of: 'a' }), 2);
    const stopNext = meters.gauge({ name: 'depth', help: 'depth', labels: ['of'] }).follow(() => 7, { of: 'a' });
    stop();
    assert.equal(seriesValue(await pageOf(meters), 'depth', { of: 'a' }), 7);
    stopNext();
    assert.equal(seriesValue(await pageOf(meters), 'depth', { of: 'a' }), undefined);
  });

  it('tell the memory and the time of the process', async () => {
    const page = await pageOf(new PrometheusMeters());
    assert.ok((seriesValue(page, 'process_resident_memory_bytes') ?? 0) > 1e6);
    assert.ok((seriesValue(page, 'process_cpu_seconds_total') ?? 0) > 0);
  });
});
