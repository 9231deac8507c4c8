import assert from 'node:assert/strict';
import { parseReport, type ReportCounts, reportBounds } from '@open-cluster-management/api-types';
import fc from 'fast-check';
import { formatReport, type ReportContent } from './report.ts';

const counts = fc.tuple(
  ...([0, 0, 0, 0].map(() => fc.nat(5000)) as [
    fc.Arbitrary<number>,
    fc.Arbitrary<number>,
    fc.Arbitrary<number>,
    fc.Arbitrary<number>,
  ]),
);
const kernel = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,61}[A-Za-z0-9]$/);
/** `max`: or chance would hardly ever make what does not fit. */
const size = 'max';
const anything = fc.string({ unit: 'binary', maxLength: 300, size });
const contents: fc.Arbitrary<ReportContent> = fc.record({
  version: fc.option(anything, { nil: undefined }),
  nodes: counts,
  kernels: fc.array(fc.tuple(kernel, counts), { maxLength: 90, size }).map((entries) => new Map(entries)),
  unmapped: fc.uniqueArray(fc.oneof(kernel, anything), { maxLength: 90, size }),
  errors: fc.array(fc.record({ node: anything, kernel, reason: fc.constantFrom('A', 'B'), message: anything }), {
    maxLength: 90,
    size,
  }),
});

describe('the report to the hub', () => {
  it('always parses, always fits, and counts what it leaves out', () => {
    fc.assert(
      fc.property(contents, (content) => {
        const text = formatReport(content);
        assert.ok(Buffer.byteLength(text) <= reportBounds.bytesMax);
        const report = parseReport(text);
        assert.ok(report !== undefined, text);
        assert.deepEqual(report.nodes, content.nodes);
        assert.equal((report.errors?.length ?? 0) + (report.more ?? 0), content.errors.length);
        assert.equal(Object.keys(report.kernels ?? {}).length + (report.moreKernels ?? 0), content.kernels.size);
        assert.equal((report.unmapped?.length ?? 0) + (report.moreUnmapped ?? 0), content.unmapped.length);
      }),
      // What fails here is large: making it small would take minutes.
      { numRuns: 30, endOnFailure: true },
    );
  });

  it('cuts errors first, then kernels from the least desired, then unmapped ones', () => {
    const long = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${prefix}${`${index}`.padStart(55, 'x')}`);
    const kernels = new Map<string, ReportCounts>(long('k', 60).map((name, index) => [name, [index, 0, 0, 0]]));
    const errors = long('n', 60).map((node) => ({ node, kernel: 'k', reason: 'R', message: 'm' }));
    const content = { version: undefined, nodes: [60, 0, 60, 0] as ReportCounts, kernels, unmapped: [], errors };
    const report = parseReport(formatReport(content));
    assert.equal(report?.errors, undefined);
    assert.equal(report?.more, 60);
    assert.ok((report?.moreKernels ?? 0) > 0);
    assert.ok(Object.values(report?.kernels ?? {}).every(([desired]) => desired >= (report?.moreKernels ?? 0)));
    const both = parseReport(formatReport({ ...content, unmapped: long('u', 60) }));
    assert.equal(both?.moreUnmapped, undefined);
    assert.equal(both?.unmapped?.length, 60);
  });

  it('is as the contract says', () => {
    const text = formatReport({
      version: '2.0',
      nodes: [3, 1, 1, 1],
      kernels: new Map([['k1', [3, 1, 1, 1]]]),
      unmapped: ['k2'],
      errors: [{ node: 'n1', kernel: 'k1', reason: 'RequiredKeyNotAvailable', message: 'x'.repeat(500) }],
    });
    const message = `${'x'.repeat(199)}…`;
    assert.equal(
      text,
      `{"v":1,"version":"2.0","nodes":[3,1,1,1],"kernels":{"k1":[3,1,1,1]},"unmapped":["k2"],"errors":[{"node":"n1","kernel":"k1","reason":"RequiredKeyNotAvailable","message":"${message}"}]}`,
    );
  });
});
