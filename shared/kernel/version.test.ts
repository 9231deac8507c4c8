import assert from 'node:assert/strict';
import { assert as check, property, string } from 'fast-check';
import { isKernelVersion, normalised, versionParts, withoutPlus } from './version.ts';

describe('kernel versions', () => {
  it('lose one trailing plus and nothing else [8]', () => {
    assert.equal(withoutPlus('6.6.0+'), '6.6.0');
    assert.equal(withoutPlus('6.6.0++'), '6.6.0+');
    assert.equal(withoutPlus('6.6+0'), '6.6+0');
    assert.equal(withoutPlus(''), '');
  });

  it('become fit for tags and labels by underscores [11]', () => {
    assert.equal(normalised('1.2.3+4'), '1.2.3_4');
    assert.equal(normalised('5.14.0-427.el9~rc1/x y'), '5.14.0-427.el9_rc1_x_y');
    assert.equal(normalised('6.1.😀'), '6.1._');
  });

  for (const text of ['6.1.0', '5.14.0-427.el9_4.x86_64', '6.6.0+', 'a', '6.12~rc1-amd64', `6${'1'.repeat(62)}+`]) {
    it(`accept ${text}`, () => assert.ok(isKernelVersion(text)));
  }

  const refused = [
    '',
    '+',
    '-6.1',
    '6.1-',
    '6.1++',
    '6.1\n',
    '6.1\n6.2',
    '6 1',
    '../../etc',
    '#2/3',
    '$(reboot)',
    '６.1',
  ];
  for (const text of [...refused, `6${'1'.repeat(63)}`]) {
    it(`refuse ${JSON.stringify(text)}`, () => assert.ok(!isKernelVersion(text)));
  }

  it('are label values once normalised, whatever the text', () => {
    const labelValue = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
    check(
      property(string({ unit: 'binary', maxLength: 70 }), (text) => {
        if (isKernelVersion(text)) assert.match(normalised(withoutPlus(text)), labelValue);
      }),
    );
  });

  it('split at dots, commas and dashes into three parts', () => {
    assert.deepEqual(versionParts('6.1.0-13-amd64'), ['6', '1', '0']);
    assert.deepEqual(versionParts('6.1-rc2'), ['6', '1', 'rc2']);
    assert.deepEqual(versionParts('4,18+x,0'), ['4', '18_x', '0']);
    assert.equal(versionParts('6.1'), undefined);
    assert.equal(versionParts('6..1'), undefined);
  });
});
