import assert from 'node:assert/strict';
import { cpioArchive } from './cpio.ts';

describe('an archive for an initial ram disk', () => {
  it('has the folders before their files, everything at a multiple of four, and ends with the trailer', () => {
    const archive = cpioArchive([
      { path: 'init', content: Buffer.from('#!'), mode: 0o755 },
      { path: 'a/b/c', content: Buffer.from('12345'), mode: 0o644 },
    ]);
    assert.deepEqual(entriesOf(archive), [
      { path: 'a', mode: 0o040755, content: '' },
      { path: 'a/b', mode: 0o040755, content: '' },
      { path: 'init', mode: 0o100755, content: '#!' },
      { path: 'a/b/c', mode: 0o100644, content: '12345' },
    ]);
  });
});

/** Reads by the format's description: 6 characters of magic, 13 numbers of 8 hexadecimal digits, name, content. */
function entriesOf(archive: Buffer) {
  const found: { path: string; mode: number; content: string }[] = [];
  const aligned = (offset: number) => (offset + 3) & ~3;
  let at = 0;
  for (;;) {
    assert.equal(archive.toString('latin1', at, at + 6), '070701');
    const field = (index: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size, nameLength] = [field(1), field(6), field(11)];
    const path = archive.toString('utf8', at + 110, at + 110 + nameLength - 1);
    const start = aligned(at + 110 + nameLength);
    if (path === 'TRAILER!!!') return found;
    found.push({ path, mode, content: archive.toString('utf8', start, start + size) });
    at = aligned(start + size);
  }
}
