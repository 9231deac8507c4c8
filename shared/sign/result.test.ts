import assert from 'node:assert/strict';
import { resultOf, resultOfError } from './result.ts';

const digest = `sha256:${'0'.repeat(64)}`;

describe('the result of signing', () => {
  it('names as many files as a termination message has room for, and counts the rest', () => {
    const files = Array.from({ length: 500 }, (_, index) => `/opt/lib/modules/6.1.0/extra/module-${index}.ko`);
    const result = resultOf({ kind: 'signed', digest, files });
    assert.ok(result.result === 'Signed' && Buffer.byteLength(JSON.stringify(result)) <= 3_500);
    assert.equal(result.files.length + (result.more ?? 0), 500);
    assert.ok(result.files.length > 30);
  });

  it('is one line of bounded length whatever went wrong', () => {
    const result = resultOfError(new Error(`a\n${'b'.repeat(5_000)}`));
    assert.ok(result.result === 'Failed' && result.message.startsWith('a b'));
    assert.ok(Buffer.byteLength(JSON.stringify(result)) < 1_000);
  });
});
