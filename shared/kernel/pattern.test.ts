import assert from 'node:assert/strict';
import { compilePattern, keepingLatest } from './pattern.ts';

function matches(expression: string, text: string): boolean {
  const pattern = compilePattern(expression);
  assert.ok(pattern.kind === 'pattern', `${expression} compiles`);
  return pattern.matches(text);
}

describe('patterns', () => {
  const table: [expression: string, text: string, expected: boolean][] = [
    ['fc37', '6.1.5-200.fc37.x86_64', true],
    ['^fc37', '6.1.5-200.fc37.x86_64', false],
    ['^6\\.1', '6.1.5', true],
    ['^6\\.1$', '6.1.5', false],
    ['^.+\\.el9\\.x86_64$', '5.14.0-70.el9.x86_64', true],
    ['(?i)FC37', '6.1.5-200.fc37.x86_64', true],
    ['(?P<major>\\d+)\\.', '6.1', true],
    ['[[:digit:]]\\z', '6.1', true],
    ['', 'anything', true],
    // Form feed, not a dot and an f: compiles and matches no kernel (contract 10).
    ['^.+\\fc37\\.x86_64$', '6.1.5-200.fc37.x86_64', false],
  ];
  for (const [expression, text, expected] of table) {
    it(`search ${expression || '(empty)'} in ${text}: ${expected} [5]`, () =>
      assert.equal(matches(expression, text), expected));
  }

  for (const expression of ['^.+\\el9', 'a(?=b)', '(a)\\1', 'a{1001}', '(a{1000}){1000}', '(', '[z-a]', '\\C']) {
    it(`refuse ${expression}, naming it`, () => {
      const pattern = compilePattern(expression);
      assert.equal(pattern.kind, 'invalid');
      assert.match(pattern.kind === 'invalid' ? pattern.message : '', /error parsing regexp/);
    });
  }

  it('refuse what compiles to a size that memory could not hold for many, and take what is large for a person', () => {
    const huge = compilePattern('a{1000}'.repeat(146));
    assert.match(huge.kind === 'invalid' ? huge.message : '', /at most 2500 instructions, got 146002/);
    assert.equal(matches(`^${'x'.repeat(1000)}{0,9}`, 'x'.repeat(1024)), true);
    assert.equal(matches('^[0-9.]{1,1000}-', '6.1.5-200.fc37.x86_64'), true);
  });

  it('take linear time where a backtracking engine takes exponential time', () => {
    assert.equal(matches('^(a+)+$', `${'a'.repeat(60)}b`), false);
  });

  it('are compiled once and the least recently used one is dropped first', () => {
    const computed: string[] = [];
    const cached = keepingLatest((key) => computed.push(key), 2);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) cached(key);
    assert.deepEqual(computed, ['a', 'b', 'c', 'b']);
  });
});
