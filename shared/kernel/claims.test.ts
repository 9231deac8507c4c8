import assert from 'node:assert/strict';
import { array, assert as check, constantFrom, property, record, string, stringMatching } from 'fast-check';
import { limits } from '../core/limits.ts';
import { kernelClaim } from '../kube/names.ts';
import { formatKernelClaims, kernelClaimNames, parseKernelClaims } from './claims.ts';
import { isKernelVersion, withoutPlus } from './version.ts';

const first = kernelClaim;

function releases(count: number, suffix = ''): string[] {
  return Array.from({ length: count }, (_, index) => `6.1.0-${1000 + index}.el9.x86_64${suffix}`);
}

describe('kernel claims written by the spoke', () => {
  it('hold the sorted unique releases, one a line, with their plus [165]', () => {
    const claims = formatKernelClaims(['6.6.0+', '5.14.0', '6.6.0+']);
    assert.deepEqual(claims, [{ name: first, value: '5.14.0\n6.6.0+' }]);
  });

  it('are none without a node', () => assert.deepEqual(formatKernelClaims([]), []));

  it('flow over into numbered ones that sort behind the first, each within the bound of the API [T21]', () => {
    const claims = formatKernelClaims(releases(60, '.abcdefghijkl'));
    assert.deepEqual(
      claims.map(({ name }) => name),
      [first, `${first}-2`, `${first}-3`],
    );
    assert.match(claims[0]!.value, /^6\.1\.0-1000/);
    assert.match(claims[1]!.value, /^#2\/3\n6/);
    assert.match(claims[2]!.value, /^#3\/3\n6/);
    assert.deepEqual([...kernelClaimNames], [...kernelClaimNames].sort());
    for (let chars = 0; chars < 32; chars += 1) {
      for (const { value } of formatKernelClaims(releases(100, 'x'.repeat(chars)))) {
        assert.ok(value.length <= limits.claimValueCharsMax, `${value.length} characters`);
      }
    }
  });

  it('are four at most, and then say that there was more', () => {
    const claims = formatKernelClaims(releases(300));
    assert.equal(claims.length, 4);
    assert.match(claims[3]!.value, /^#4\/7\n/);
    assert.equal(parseKernelClaims(claims).complete, false);
  });

  it('leave out what the format cannot carry', () => {
    assert.deepEqual(formatKernelClaims(['', '#1/2', '6.1\n6.2', '6.1']), [{ name: first, value: '6.1' }]);
  });
});

describe('kernel claims read by the hub', () => {
  it('give kernels without their plus, unique and sorted [8]', () => {
    const inventory = parseKernelClaims([{ name: first, value: '6.6.0+\n6.6.0\n5.14.0' }]);
    assert.deepEqual(inventory, {
      kernels: ['5.14.0', '6.6.0'],
      ignored: [],
      moreIgnored: 0,
      claimed: true,
      complete: true,
    });
  });

  it('say when a cluster has none', () => {
    const inventory = parseKernelClaims([{ name: 'id.k8s.io', value: 'x' }]);
    assert.deepEqual(inventory, { kernels: [], ignored: [], moreIgnored: 0, claimed: false, complete: false });
  });

  it('ignore and name what no kernel can be', () => {
    const { kernels, ignored } = parseKernelClaims([
      { name: first, value: '6.1\n$(reboot)\n../x\n\u001b[2J\n6.2\n6.3++' },
    ]);
    assert.deepEqual(kernels, ['6.1', '6.2']);
    assert.deepEqual(ignored, [
      { text: '$(reboot)', reason: 'NotAKernelVersion' },
      { text: '../x', reason: 'NotAKernelVersion' },
      { text: '?[2J', reason: 'NotAKernelVersion' },
      { text: '6.3++', reason: 'NotAKernelVersion' },
    ]);
  });

  it('stop at 64 kernels and count the rest', () => {
    const inventory = parseKernelClaims(formatKernelClaims(releases(100)));
    assert.equal(inventory.kernels.length, 64);
    assert.equal(inventory.ignored.length + inventory.moreIgnored, 36);
    assert.ok(inventory.ignored.every(({ reason }) => reason === 'TooManyKernels'));
  });

  it('are incomplete while a part is missing or a header is wrong', () => {
    const claims = formatKernelClaims(releases(120));
    assert.equal(claims.length, 3);
    assert.equal(parseKernelClaims(claims).complete, true);
    assert.equal(parseKernelClaims([claims[0]!, claims[2]!]).complete, false);
    assert.equal(parseKernelClaims([claims[0]!, claims[1]!]).complete, false);
    assert.equal(parseKernelClaims([claims[0]!, { name: `${first}-2`, value: '6.1' }]).complete, false);
    assert.equal(parseKernelClaims(claims.slice(1)).complete, false);
  });

  it('do not take one value for another part', () => {
    const { kernels, ignored, complete } = parseKernelClaims([
      { name: first, value: '6.1' },
      { name: `${first}-2`, value: '#3/3\n6.2' },
    ]);
    assert.deepEqual([kernels, complete], [['6.1', '6.2'], false]);
    assert.deepEqual(ignored, [{ text: '#3/3', reason: 'NotAKernelVersion' }]);
  });

  it('refuse a value longer than the API allows', () => {
    const { kernels, ignored } = parseKernelClaims([{ name: first, value: '6.1\n'.repeat(300) }]);
    assert.deepEqual(kernels, []);
    assert.equal(ignored[0]?.reason, 'ValueTooLong');
  });
});

describe('kernel claims, whatever they hold', () => {
  it('bring every kernel of the spoke to the hub, as long as they fit', () => {
    const kernel = stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._~-]{0,61}[A-Za-z0-9])?\+?$/);
    check(
      property(array(kernel, { maxLength: 60 }), (wanted) => {
        const inventory = parseKernelClaims(formatKernelClaims(wanted));
        assert.deepEqual(inventory.kernels, [...new Set(wanted.map(withoutPlus))].sort());
        assert.equal(inventory.complete, wanted.length > 0);
        assert.deepEqual(inventory.ignored, []);
      }),
    );
  });

  it('never yield anything but few valid kernels and few printable complaints', () => {
    const value = array(string({ unit: 'binary' })).map((lines) => lines.join('\n'));
    const claim = record({ name: constantFrom(...kernelClaimNames, 'x'), value });
    check(
      property(array(claim, { maxLength: 8 }), (claims) => {
        const { kernels, ignored } = parseKernelClaims(claims);
        assert.ok(kernels.length <= limits.kernelsPerClusterMax && kernels.every(isKernelVersion));
        assert.ok(kernels.every((kernel) => !kernel.endsWith('+')));
        assert.ok(ignored.length <= 8 && ignored.every(({ text }) => /^[ -~]{0,79}…?$|^[ -~]{80}$/.test(text)));
      }),
    );
  });
});
