import assert from 'node:assert/strict';
import { assert as check, constantFrom, option, property, record, string } from 'fast-check';
import { apiHost, formatReference, parseReference, pinnedReference, type Reference } from './reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('image references', () => {
  const table: [text: string, expected: Reference][] = [
    ['nginx', { registry: 'docker.io', repository: 'library/nginx' }],
    ['nginx:1.27', { registry: 'docker.io', repository: 'library/nginx', tag: '1.27' }],
    ['team/app:x', { registry: 'docker.io', repository: 'team/app', tag: 'x' }],
    ['docker.io/nginx', { registry: 'docker.io', repository: 'library/nginx' }],
    ['index.docker.io/team/app', { registry: 'docker.io', repository: 'team/app' }],
    ['localhost/app:x', { registry: 'localhost', repository: 'app', tag: 'x' }],
    ['localhost:5000/app', { registry: 'localhost:5000', repository: 'app' }],
    ['localhost:5000', { registry: 'docker.io', repository: 'library/localhost', tag: '5000' }],
    ['[::1]:5000/a/b:t', { registry: '[::1]:5000', repository: 'a/b', tag: 't' }],
    ['quay.io/a/b/c__d-e.f:T_1.-', { registry: 'quay.io', repository: 'a/b/c__d-e.f', tag: 'T_1.-' }],
    [`quay.io/a@${digest}`, { registry: 'quay.io', repository: 'a', digest }],
    [`quay.io/a:t@${digest}`, { registry: 'quay.io', repository: 'a', tag: 't', digest }],
  ];
  for (const [text, expected] of table) {
    it(`take ${text.slice(0, 40)} apart`, () =>
      assert.deepEqual(parseReference(text), { kind: 'reference', reference: expected }));
  }

  const refused = ['', ':', '@', 'a:', 'a@', 'A/b', 'quay.io/', 'quay.io/A', '/a', 'a//b', 'a b', 'a:b:c', 'a:-x'];
  const hostile = [
    'a@sha256:12',
    `a@md5:${'0'.repeat(32)}`,
    'quay.io/../x',
    'user:pass@host/a',
    'quay.io/a?x=1:t',
    'h.io:99x/a',
  ];
  for (const text of [...refused, ...hostile, `a:${'x'.repeat(129)}`, `quay.io/${'a'.repeat(250)}`, 'a'.repeat(1025)]) {
    it(`refuse ${JSON.stringify(text.slice(0, 40))}`, () => assert.equal(parseReference(text).kind, 'invalid'));
  }

  it('are pinned by digest alone', () => {
    const parsed = parseReference('nginx:1.27');
    assert.ok(parsed.kind === 'reference');
    assert.equal(pinnedReference(parsed.reference, digest), `docker.io/library/nginx@${digest}`);
    assert.equal(apiHost(parsed.reference), 'registry-1.docker.io');
  });

  it('come back the same from their text, and no text throws', () => {
    const reference = record({
      registry: constantFrom('docker.io', 'quay.io', 'localhost:5000', 'a-b.example:1'),
      repository: constantFrom('library/a', 'a/b', 'a/b/c-d', 'x/y_z.v'),
      tag: option(constantFrom('1', 'latest', 'v1.2-3'), { nil: undefined }),
      digest: option(constantFrom(digest), { nil: undefined }),
    });
    check(
      property(reference, string({ unit: 'binary' }), (wanted, text) => {
        const parsed = parseReference(formatReference(wanted as Reference));
        assert.ok(parsed.kind === 'reference');
        assert.equal(formatReference(parsed.reference), formatReference(wanted as Reference));
        const other = parseReference(text);
        if (other.kind === 'invalid') return;
        assert.deepEqual(parseReference(formatReference(other.reference)), other);
      }),
    );
  });
});
