import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DerError, derChildren, derTag, oidText, readDer } from './der.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('DER', () => {
  const oids: Record<string, string> = {
    '06 09 2a864886f70d010101': '1.2.840.113549.1.1.1',
    '06 03 550403': '2.5.4.3',
    '06 03 883703': '2.999.3',
    '06 01 00': '0.0',
    '06 0b 69a4ddf8f8d3d9b0f1f1': 'cut off',
  };
  for (const [hex, text] of Object.entries(oids))
    it(`has the object identifier ${text}`, () => {
      if (text === 'cut off') assert.throws(() => readDer(bytes(hex)), DerError);
      else assert.equal(oidText(readDer(bytes(hex))), text);
    });

  it('is read with lengths of one to four bytes, and no further than it says', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      const content = Buffer.alloc(length, 1);
      const head =
        length < 128 ? [length] : [0x84, length >> 24, length >> 16, length >> 8, length].map((each) => each & 0xff);
      const value = Buffer.from([derTag.octets, ...head, ...content]);
      assert.deepEqual(readDer(Buffer.concat([value, Buffer.from('more')])), { tag: 4, content, bytes: value });
    }
  });

  const broken: Record<string, string> = {
    nothing: '',
    'no length': '30',
    'an indefinite length': '30 80 0000',
    'a length of five bytes': '04 85 0000000001 00',
    'a length that is cut off': '04 82 01',
    'a content that is cut off': '04 02 00',
    'a tag of two bytes': '1f 81 01 00',
  };
  for (const [what, hex] of Object.entries(broken))
    it(`is refused: ${what}`, () => {
      assert.throws(() => readDer(bytes(hex)), DerError);
    });

  it('is refused: an object identifier that takes for ever to show', () => {
    assert.throws(
      () => oidText({ tag: derTag.oid, content: Buffer.alloc(65, 0xff), bytes: Buffer.alloc(0) }),
      DerError,
    );
  });

  it('has children that are all of their parent, or is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (content) => {
        const parent = { tag: derTag.sequence, content: Buffer.from(content), bytes: Buffer.alloc(0) };
        try {
          assert.deepEqual(Buffer.concat(derChildren(parent).map((child) => child.bytes)), parent.content);
        } catch (error) {
          assert.ok(error instanceof DerError, String(error));
        }
      }),
    );
  });
});
