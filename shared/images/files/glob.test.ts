import assert from 'node:assert/strict';
import { assert as check, property, string } from 'fast-check';
import { testLayer } from '../testing/layers.ts';
import { findFiles } from './find.ts';
import { parseGlob } from './glob.ts';
import { readTree } from './image-files.ts';

describe('patterns of files', () => {
  const names = [
    'opt/a.ko',
    'opt/b.ko',
    'opt/ab.ko.xz',
    'opt/.c.ko',
    'opt/d/a.ko',
    'opt/d/e/f.ko',
    'opt/[x].ko',
    'opt/a*b',
  ];
  const table: [pattern: string, found: string[]][] = [
    ['/opt/a.ko', ['/opt/a.ko']],
    ['opt//./a.ko', ['/opt/a.ko']],
    ['/opt/*.ko', ['/opt/[x].ko', '/opt/a.ko', '/opt/b.ko']],
    ['/opt/?.ko', ['/opt/a.ko', '/opt/b.ko']],
    ['/opt/[ab].ko', ['/opt/a.ko', '/opt/b.ko']],
    ['/opt/[a-a].ko', ['/opt/a.ko']],
    ['/opt/[!a].ko', ['/opt/b.ko']],
    ['/opt/[^a].ko', ['/opt/b.ko']],
    ['/opt/[[:alpha:]].ko', ['/opt/a.ko', '/opt/b.ko']],
    ['/opt/*.ko*', ['/opt/[x].ko', '/opt/a.ko', '/opt/ab.ko.xz', '/opt/b.ko']],
    ['/opt/.*.ko', ['/opt/.c.ko']],
    ['/opt/*/a.ko', ['/opt/d/a.ko']],
    ['/*/a.ko', ['/opt/a.ko']],
    ['/opt/**/*.ko', ['/opt/[x].ko', '/opt/a.ko', '/opt/b.ko', '/opt/d/a.ko', '/opt/d/e/f.ko']],
    ['/**/f.ko', ['/opt/d/e/f.ko']],
    ['/opt/d/**', ['/opt/d/a.ko', '/opt/d/e/f.ko']],
    ['/**/**/**/f.ko', ['/opt/d/e/f.ko']],
    ['/opt/\\[x\\].ko', ['/opt/[x].ko']],
    ['/opt/a\\*b', ['/opt/a*b']],
    ['/opt/[]x[]*', ['/opt/[x].ko']],
    ['/opt/link/a.ko', ['/opt/d/a.ko']],
    ['/opt/link/../d/a.ko', ['/opt/d/a.ko']],
    ['/opt/*.so', ['/opt/d/a.ko']],
    ['/opt/d', []],
    ['/opt/*.none', []],
    ['/opt/[', []],
    ['/', []],
    ['', []],
  ];
  for (const [pattern, found] of table) {
    it(`find by ${JSON.stringify(pattern)} what Bash finds [89]`, async () => {
      const links = [
        { name: 'opt/link', type: 'symlink' as const, linkname: 'd' },
        { name: 'opt/m.so', type: 'symlink' as const, linkname: 'link/a.ko' },
      ];
      const layer = await testLayer([...names.map((name) => ({ name, content: name })), ...links]);
      const tree = await readTree([layer]);
      assert.deepEqual(
        findFiles(tree, pattern)?.map(({ path }) => path),
        found,
      );
    });
  }

  it('find a file once, by however many names', async () => {
    const links = Array.from({ length: 9 }, (_, index) => ({
      name: `opt/${index}.ko`,
      type: 'symlink' as const,
      linkname: 'a.ko',
    }));
    const tree = await readTree([await testLayer([{ name: 'opt/a.ko', content: '' }, ...links])]);
    assert.deepEqual(
      findFiles(tree, '/opt/*.ko')?.map(({ path }) => path),
      ['/opt/a.ko'],
    );
  });

  it('are none when a range ends before it begins', () => assert.equal(parseGlob('/a/[z-a]'), undefined));

  it('never throw, and match themselves when they hold nothing special', () => {
    check(
      property(string({ unit: 'binary' }), (text) => {
        const parts = parseGlob(text);
        if (parts === undefined || /[*?[\\]/.test(text)) return;
        const expected = text.split('/').filter((part) => part !== '' && part !== '.');
        assert.deepEqual(
          parts.map((part) => part.kind === 'name' && part.name),
          expected,
        );
      }),
    );
  });
});
