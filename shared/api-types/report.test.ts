import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseReport, type Report, reportBounds } from './report.ts';

const report: Report = {
  v: 1,
  version: '2.0',
  nodes: [3, 1, 1, 1],
  kernels: { '6.1.0-1-amd64': [3, 1, 1, 1] },
  unmapped: ['5.10.0-1-amd64'],
  errors: [{ node: 'n1', kernel: '6.1.0-1-amd64', reason: 'RequiredKeyNotAvailable', message: 'could not insert' }],
  more: 3,
};

describe('parseReport', () => {
  it('gives back what a spoke writes', () => {
    assert.deepEqual(parseReport(JSON.stringify(report)), report);
  });

  const refused: Record<string, string> = {
    'no JSON': '{"v":1',
    'no object': '[]',
    'another version of the format': JSON.stringify({ ...report, v: 2 }),
    'counts that are no counts': JSON.stringify({ ...report, nodes: [1, 2, 3] }),
    'a negative count': JSON.stringify({ ...report, nodes: [1, -2, 0, 0] }),
    'a count with a fraction': JSON.stringify({ ...report, nodes: [1, 0.5, 0, 0] }),
    'a message over the bound': JSON.stringify({
      ...report,
      errors: [{ ...report.errors?.[0], message: 'x'.repeat(201) }],
    }),
    'more bytes than the contract allows': JSON.stringify({ ...report, padding: 'x'.repeat(reportBounds.bytesMax) }),
    'more bytes than characters': JSON.stringify({ ...report, padding: 'é'.repeat(reportBounds.bytesMax - 1000) }),
  };
  for (const [what, text] of Object.entries(refused)) {
    it(`refuses ${what}`, () => assert.equal(parseReport(text), undefined));
  }

  it('takes control characters out of texts and names, and drops fields that it does not know', () => {
    const hostile = {
      ...report,
      version: '2\u001b[31m.0',
      kernels: { '6.1\u0000.0': [1, 1, 0, 0] },
      unmapped: ['a\nb\u202e\u061c\u200b\ufeff'],
      extra: { a: 1 },
    };
    const parsed = parseReport(JSON.stringify(hostile));
    assert.equal(parsed?.version, '2[31m.0');
    assert.deepEqual(parsed?.kernels, { '6.1.0': [1, 1, 0, 0] });
    assert.deepEqual(parsed?.unmapped, ['ab']);
    assert.equal(Object.hasOwn(parsed ?? {}, 'extra'), false);
  });

  it('takes no half of a surrogate pair: an API server would store another character, and be written to for ever', () => {
    const text = '{"v":1,"nodes":[0,0,0,0],"unmapped":["a\\ud800b"],"kernels":{"\\udc00":[0,0,0,0]}}';
    const parsed = parseReport(text);
    assert.deepEqual(parsed?.unmapped, ['a\ufffdb']);
    assert.deepEqual(Object.keys(parsed?.kernels ?? {}), ['\ufffd']);
  });

  it('never throws, whatever the text, and never lets a prototype be set', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.object().map((value) => JSON.stringify({ ...report, ...value })),
    );
    fc.assert(
      fc.property(text, (candidate) => parseReport(candidate) === undefined || parseReport(candidate)?.v === 1),
    );
    const parsed = parseReport('{"v":1,"nodes":[0,0,0,0],"kernels":{"__proto__":[1,1,1,1]}}');
    assert.equal(Object.getPrototypeOf(parsed?.kernels ?? {}), Object.prototype);
  });
});
