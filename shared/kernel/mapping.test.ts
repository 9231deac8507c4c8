// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of our API are the subject here
import assert from 'node:assert/strict';
import type { ModuleLoaderContainer } from '@open-cluster-management/api-types';
import { array, assert as check, constantFrom, property, record } from 'fast-check';
import { type MappingResult, type ResolvedMapping, resolveMapping } from './mapping.ts';

const identity = { name: 'driver', namespace: 'fleet' };

function container(overrides: Partial<ModuleLoaderContainer>): ModuleLoaderContainer {
  return { modprobe: { moduleName: 'driver' }, kernelMappings: [], ...overrides };
}

function resolve(overrides: Partial<ModuleLoaderContainer>, kernel = '6.1.0-13.el9'): MappingResult {
  return resolveMapping(container(overrides), kernel, identity);
}

function match(overrides: Partial<ModuleLoaderContainer>, kernel?: string): ResolvedMapping {
  const result = resolve(overrides, kernel);
  assert.ok(result.kind === 'match', JSON.stringify(result));
  return result.mapping;
}

function imageFor(kernelMappings: ModuleLoaderContainer['kernelMappings'], kernel?: string): string | undefined {
  const result = resolve({ kernelMappings }, kernel);
  return result.kind === 'match' ? result.mapping.containerImage : undefined;
}

describe('kernel mappings', () => {
  it('with a literal match only the identical version [4]', () => {
    const mappings = [{ literal: '6.1.0-13', containerImage: 'r/i:1' }];
    assert.equal(imageFor(mappings, '6.1.0-13'), 'r/i:1');
    for (const kernel of ['6.1.0-130', 'x6.1.0-13', '6x1.0-13', '6.1.0'])
      assert.equal(imageFor(mappings, kernel), undefined);
  });

  it('with a regexp search the version unless anchored [5]', () => {
    assert.equal(imageFor([{ regexp: 'el9', containerImage: 'r/i:1' }]), 'r/i:1');
    assert.equal(imageFor([{ regexp: '^el9', containerImage: 'r/i:1' }]), undefined);
    assert.equal(imageFor([{ regexp: '^6\\.1\\..*el9$', containerImage: 'r/i:1' }]), 'r/i:1');
  });

  it('are tried in list order, a later literal does not win [6]', () => {
    const any = { regexp: '.', containerImage: 'r/i:any' };
    const exact = { literal: '6.1.0-13.el9', containerImage: 'r/i:exact' };
    assert.equal(imageFor([any, exact]), 'r/i:any');
    assert.equal(imageFor([exact, any]), 'r/i:exact');
  });

  it('that all miss leave the kernel alone, without an error [7]', () => {
    assert.deepEqual(resolve({ kernelMappings: [{ literal: '5.1.0', containerImage: 'r/i:1' }] }), { kind: 'none' });
    assert.deepEqual(resolve({ kernelMappings: [{ containerImage: 'r/i:1' }] }), { kind: 'none' });
  });

  it('do not see a trailing plus of the release [8]', () => {
    const mapping = match(
      { kernelMappings: [{ literal: '6.6.0', containerImage: 'r/i:${KERNEL_VERSION}' }] },
      '6.6.0+',
    );
    assert.equal(mapping.kernelVersion, '6.6.0');
    assert.equal(mapping.containerImage, 'r/i:6.6.0');
  });

  it('substitute kernel and module in the image, of mapping and container [9] [10]', () => {
    const containerImage = 'r/${MOD_NAMESPACE}/${MOD_NAME}:${KERNEL_FULL_VERSION}-${KERNEL_XYZ}';
    const expected = 'r/fleet/driver:6.1.0-13.el9-6.1.0';
    assert.equal(imageFor([{ regexp: '.', containerImage }]), expected);
    assert.equal(match({ containerImage, kernelMappings: [{ regexp: '.' }] }).containerImage, expected);
  });

  it('fall back to the container image when theirs is empty or absent [15]', () => {
    const containerImage = 'r/i:fallback';
    for (const mapping of [{ regexp: '.', containerImage: '' }, { regexp: '.' }]) {
      assert.equal(match({ containerImage, kernelMappings: [mapping] }).containerImage, containerImage);
    }
    const own = match({ containerImage, kernelMappings: [{ regexp: '.', containerImage: 'r/i:own' }] });
    assert.equal(own.containerImage, 'r/i:own');
  });

  it('replace the TLS options of the container whole [16]', () => {
    const registryTLS = { insecure: true, insecureSkipTLSVerify: true };
    const mapping = { regexp: '.', containerImage: 'r/i:1' };
    assert.deepEqual(match({ registryTLS, kernelMappings: [mapping] }).registryTLS, registryTLS);
    const own = { ...mapping, registryTLS: { insecure: true } };
    const secure = { insecure: true, insecureSkipTLSVerify: false };
    assert.deepEqual(match({ registryTLS, kernelMappings: [own] }).registryTLS, secure);
    const none = { insecure: false, insecureSkipTLSVerify: false };
    assert.deepEqual(match({ kernelMappings: [mapping] }).registryTLS, none);
  });

  it('override the single in-tree module of the container [17]', () => {
    const mapping = { regexp: '.', containerImage: 'r/i:1' };
    assert.deepEqual(inTree({ inTreeModuleToRemove: 'a', kernelMappings: [mapping] }), ['a']);
    const own = { ...mapping, inTreeModuleToRemove: 'b' };
    assert.deepEqual(inTree({ inTreeModuleToRemove: 'a', kernelMappings: [own] }), ['b']);
  });

  it('override the in-tree list of the container whole, also with none [18] [T6]', () => {
    const mapping = { regexp: '.', containerImage: 'r/i:1' };
    const list = { inTreeModulesToRemove: ['a', 'b'] };
    assert.deepEqual(inTree({ ...list, kernelMappings: [mapping] }), ['a', 'b']);
    assert.deepEqual(inTree({ ...list, kernelMappings: [{ ...mapping, inTreeModulesToRemove: ['c'] }] }), ['c']);
    assert.deepEqual(inTree({ ...list, kernelMappings: [{ ...mapping, inTreeModulesToRemove: [] }] }), []);
    assert.deepEqual(inTree({ kernelMappings: [mapping] }), []);
    // What upstream's hub sends: the container's deprecated name beside a list that it computed for the mapping.
    const sent = { inTreeModuleToRemove: 'a', kernelMappings: [{ ...mapping, inTreeModulesToRemove: ['b'] }] };
    assert.deepEqual(inTree(sent), ['b']);
  });

  it('with an unclosed brace are an error of that mapping only [12]', () => {
    const kernelMappings = [
      { regexp: 'el9', containerImage: 'r/i:${KERNEL_VERSION' },
      { regexp: '.', containerImage: 'r/i:1' },
    ];
    const result = resolve({ kernelMappings });
    assert.equal(result.kind, 'error');
    assert.match(result.kind === 'error' ? result.message : '', /kernelMappings\[0].*closing brace/);
    assert.equal(imageFor(kernelMappings, '6.1.0-13.el8'), 'r/i:1');
  });

  it('with a regexp that does not compile are an error, unless an earlier one matches', () => {
    const broken = { regexp: '\\el9', containerImage: 'r/i:1' };
    const good = { regexp: '.', containerImage: 'r/i:2' };
    const result = resolve({ kernelMappings: [broken, good] });
    assert.match(result.kind === 'error' ? result.message : '', /kernelMappings\[0]\.regexp: .*invalid escape/);
    assert.equal(imageFor([good, broken]), 'r/i:2');
  });

  it('need a version of three parts and an image', () => {
    assert.equal(resolve({ kernelMappings: [{ regexp: '.', containerImage: 'r/i:1' }] }, '6.1').kind, 'error');
    assert.equal(resolve({ kernelMappings: [{ regexp: '.' }] }).kind, 'error');
    assert.equal(resolve({ kernelMappings: [{ regexp: '.', containerImage: '$NOTHING' }] }).kind, 'error');
  });

  it('always give the first that matches, and change nothing', () => {
    const one = record({ literal: constantFrom('', '6.1.0', '6.2.0'), regexp: constantFrom('', '6', '2', '^x') });
    check(
      property(array(one), constantFrom('6.1.0', '6.2.0+', '7.0.0'), (mappings, kernel) => {
        const kernelMappings = mappings.map((mapping, index) => ({ ...mapping, containerImage: `r/i:${index}` }));
        const before = structuredClone(kernelMappings);
        const plain = kernel.replace('+', '');
        const expected = mappings.findIndex(({ literal, regexp }) =>
          literal === '' ? regexp !== '' && new RegExp(regexp).test(plain) : literal === plain,
        );
        assert.equal(imageFor(kernelMappings, kernel), expected < 0 ? undefined : `r/i:${expected}`);
        assert.deepEqual(kernelMappings, before);
      }),
    );
  });
});

function inTree(overrides: Partial<ModuleLoaderContainer>): string[] {
  return match(overrides).inTreeModulesToRemove;
}
