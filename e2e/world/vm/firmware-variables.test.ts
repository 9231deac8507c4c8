import assert from 'node:assert/strict';
import { db, signatureLists, variableOf, withEnrolled, withMokList } from './firmware-variables.ts';

const volumeHeaderLength = 72;
const storeLength = 1024;

describe('the variables of a firmware', () => {
  const first = signatureLists([Buffer.from('the firmware’s own')]);

  it('keep what is trusted beside what is enrolled, once and again', () => {
    const a = Buffer.from('certificate a');
    const b = Buffer.from('another one, b');
    const file = fileWith(first);
    const enrolled = withEnrolled(withEnrolled(file, [a]), [b]);
    assert.deepEqual(variableOf(enrolled, db), Buffer.concat([first, signatureLists([a, b])]));
    assert.equal(enrolled.length, file.length);
    assert.deepEqual(variableOf(file, db), first, 'the file that was given is left as it is');
  });

  it('are lists of one certificate each, by the sizes that UEFI asks for', () => {
    const lists = signatureLists([Buffer.from('12345')]);
    assert.equal(lists.subarray(0, 16).toString('hex'), 'a159c0a5e494a74a87b5ab155c2bf072');
    assert.deepEqual(
      [16, 20, 24].map((offset) => lists.readUInt32LE(offset)),
      [lists.length, 0, 16 + 5],
    );
    assert.equal(lists.subarray(44).toString(), '12345');
  });

  it('take a MokList beside what is there', () => {
    const owner = Buffer.from('certificate of the owner');
    const file = withMokList(fileWith(first), [owner]);
    const mokList = { name: 'MokList', vendor: '605dab50-e046-4300-abb6-3dd810dd8b23' };
    assert.deepEqual(variableOf(file, mokList), signatureLists([owner]));
    assert.deepEqual(variableOf(file, db), first);
  });

  it('refuse what does not fit, and a file that holds no such variables', () => {
    assert.throws(() => withEnrolled(fileWith(first), [Buffer.alloc(storeLength)]), /expected room for \d+ bytes/);
    assert.throws(() => withEnrolled(Buffer.alloc(4096), [Buffer.from('a')]), /a store of authenticated variables/);
  });
});

/** A firmware volume with one variable, `db`, laid out by hand after edk2's VariableFormat.h. */
function fileWith(data: Buffer): Buffer {
  const file = Buffer.alloc(volumeHeaderLength + storeLength, 0xff);
  file.writeUInt16LE(volumeHeaderLength, 48);
  Buffer.from('782cf3aa7b949a43a1802e144ec37792', 'hex').copy(file, volumeHeaderLength);
  file.writeUInt32LE(storeLength, volumeHeaderLength + 16);
  const at = volumeHeaderLength + 28;
  file.fill(0, at, at + 60);
  file.writeUInt16LE(0x55aa, at);
  file.writeUInt8(0x3f, at + 2);
  file.writeUInt32LE(0x27, at + 4);
  file.writeUInt32LE(6, at + 36);
  file.writeUInt32LE(data.length, at + 40);
  Buffer.from('cbb219d73a3d9645a3bcdad00e67656f', 'hex').copy(file, at + 44);
  Buffer.from('db\0', 'utf16le').copy(file, at + 60);
  data.copy(file, at + 66);
  return file;
}
