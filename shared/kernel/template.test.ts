// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of our API are the subject here
import assert from 'node:assert/strict';
import { array, assert as check, constantFrom, property, string } from 'fast-check';
import { substitute, templateVariables } from './template.ts';

const identity = { name: 'driver', namespace: 'fleet' };
const variables = templateVariables('5.14.0-427.el9+4.x86_64', identity) ?? new Map();
variables.set('EMPTY', '');

describe('templates', () => {
  const table: [template: string, expected: string][] = [
    ['plain', 'plain'],
    ['', ''],
    ['$KERNEL_X', '5'],
    ['${KERNEL_X}.${KERNEL_Y}.${KERNEL_Z}', '5.14.0'],
    ['${KERNEL_XYZ}', '5.14.0'],
    ['${MOD_NAME}/${MOD_NAMESPACE}', 'driver/fleet'],
    ['r/i:${KERNEL_VERSION}', 'r/i:5.14.0-427.el9_4.x86_64'],
  ];
  for (const [template, expected] of table) {
    it(`${template || '(empty)'} becomes ${expected || '(empty)'} [10]`, () =>
      assert.deepEqual(substitute(template, variables), { kind: 'text', text: expected }));
  }

  it('put the kernel version, fit for a tag, in place of ${KERNEL_FULL_VERSION} [9] [11]', () => {
    const result = substitute('registry.example/kmod:${KERNEL_FULL_VERSION}', variables);
    assert.deepEqual(result, { kind: 'text', text: 'registry.example/kmod:5.14.0-427.el9_4.x86_64' });
  });

  const syntax: [template: string, expected: string][] = [
    ['<$UNKNOWN>', '<>'],
    ['<${UNKNOWN}>', '<>'],
    ['<$KERNEL_XYZ_foo>', '<>'],
    ['<$1abc>', '<>'],
    ['${KERNEL_XYZ}_foo', '5.14.0_foo'],
    ['${UNKNOWN:-d}', 'd'],
    ['${UNKNOWN-d}', 'd'],
    ['${UNKNOWN=d}', 'd'],
    ['${UNKNOWN:=d}', 'd'],
    ['<${UNKNOWN:+d}>', '<>'],
    ['<${UNKNOWN+d}>', '<>'],
    ['${KERNEL_X:-d}', '5'],
    ['${KERNEL_X-d}', '5'],
    ['${KERNEL_X:+d}', 'd'],
    ['${KERNEL_X:=d}', '5'],
    ['<${EMPTY}>', '<>'],
    ['<${EMPTY-d}>', '<>'],
    ['${EMPTY:-d}', 'd'],
    ['${EMPTY+d}', 'd'],
    ['<${EMPTY:+d}>', '<>'],
    ['${UNKNOWN:-http://host:80/a b}', 'http://host:80/a b'],
    ['${UNKNOWN:-$KERNEL_X}', '5'],
    ['${UNKNOWN:-a${KERNEL_X}b${OTHER:-c}}', 'a5bc'],
    ['$$KERNEL_X', '$KERNEL_X'],
    ['$${KERNEL_X}', '${KERNEL_X}'],
    ['$$$KERNEL_X', '$5'],
    ['a$', 'a$'],
    ['$ a', '$ a'],
    ['a${}b', 'a${}b'],
    ['$_ ${_}', '$_ ${_}'],
    ['}', '}'],
  ];
  for (const [template, expected] of syntax) {
    it(`${template} becomes ${expected} [12]`, () =>
      assert.deepEqual(substitute(template, variables), { kind: 'text', text: expected }));
  }

  for (const template of [
    '${KERNEL_X',
    'a${',
    '${KERNEL_X:-d',
    '${KERNEL_X\n}',
    '${UNKNOWN:-${KERNEL_X}',
    '${A/b}',
    '${A:b}',
  ]) {
    it(`${JSON.stringify(template)} is an error [12]`, () =>
      assert.equal(substitute(template, variables).kind, 'error'));
  }

  it('are an error when they nest without end', () => {
    assert.equal(substitute('${A:-'.repeat(200) + '}'.repeat(200), variables).kind, 'error');
  });

  it('without a dollar sign stay as they are, and no template throws or yields what no variable held', () => {
    const pieces = constantFrom('$', '{', '}', '$$', '${', 'KERNEL_X', 'A', ':-', '+', '_', ' ', 'x');
    check(
      property(array(pieces, { maxLength: 20 }), string(), (parts, plain) => {
        const result = substitute(parts.join(''), variables);
        if (result.kind === 'text') assert.match(result.text, /^[${}KERNL_XA:+\-x 5]*$/);
        if (!plain.includes('$')) assert.deepEqual(substitute(plain, variables), { kind: 'text', text: plain });
      }),
    );
  });

  it('have no module variables in sign fields, and no variables at all below three version parts', () => {
    assert.equal(templateVariables('6.1.0')?.has('MOD_NAME'), false);
    assert.equal(templateVariables('6.1', identity), undefined);
  });
});
