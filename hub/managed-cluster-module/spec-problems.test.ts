import assert from 'node:assert/strict';
import type { KernelMapping, ModprobeSpec, ModuleSpec } from '@open-cluster-management/api-types';
import { moduleProblems, patternWarnings } from './spec-problems.ts';

const container = (fields: object, modprobe: Partial<ModprobeSpec> = { moduleName: 'nic' }): ModuleSpec => ({
  selector: {},
  moduleLoader: {
    container: { modprobe, kernelMappings: [{ literal: '6.1.0', containerImage: 'r.example/i:1' }], ...fields },
  },
});
const mapping = (fields: Partial<KernelMapping>) =>
  container({ kernelMappings: [{ containerImage: 'i:1', ...fields }] });
const order = (...modulesLoadingOrder: string[]) => container({}, { moduleName: 'nic', modulesLoadingOrder });
const at = 'spec.moduleSpec.moduleLoader.container';
const first = `${at}.kernelMappings[0]`;

describe('a moduleSpec that an older CRD let in', () => {
  const cases: [string, ModuleSpec, string][] = [
    [
      'neither literal nor regexp [117]',
      mapping({}),
      `${first}: expected exactly one of literal and regexp, got neither`,
    ],
    ['both [117]', mapping({ literal: 'a', regexp: 'b' }), `${first}: expected exactly one .* got both`],
    ['an expression that is none [118]', mapping({ regexp: '(' }), `${first}.regexp: expected an RE2 expression`],
    [
      'the expression of the documentation [118]',
      mapping({ regexp: '^.+\\el9\\.x86_64$' }),
      `${first}.regexp: .* was \\\\.e meant`,
    ],
    ['no image [119]', mapping({ literal: 'a', containerImage: '' }), `${first}.containerImage: expected an image`],
    [
      'an image without version [120]',
      mapping({ literal: 'a', containerImage: 'r.example/i' }),
      `${first}.containerImage: expected a tag`,
    ],
    [
      'an image of the container without version [120]',
      container({ containerImage: 'i' }),
      `${at}.containerImage: expected a tag`,
    ],
    [
      'both in-tree forms',
      mapping({ literal: 'a', inTreeModuleToRemove: 'b', inTreeModulesToRemove: ['c'] }),
      `${first}.inTreeModulesToRemove`,
    ],
    ['an order of one [122]', order('nic'), `${at}.modprobe.modulesLoadingOrder: expected at least two`],
    ['an order of others [122]', order('a', 'b'), 'expected moduleName as the first'],
    ['an order with one twice [122]', order('nic', 'a', 'a'), 'expected each kernel module once'],
    ['nothing to load', container({}, {}), `${at}.modprobe: expected moduleName, or rawArgs`],
    ['two things to load', container({}, { moduleName: 'a', rawArgs: { load: ['b'] } }), 'got both'],
    [
      'a Secret that cannot be',
      { selector: {}, imageRepoSecret: { name: '../x' } },
      'spec.moduleSpec.imageRepoSecret.name: expected the name',
    ],
  ];
  for (const [what, spec, expected] of cases)
    it(`with ${what} is told of it, with the field`, () => {
      const [problem = '', ...others] = moduleProblems(spec);
      assert.match(problem, new RegExp(expected.replaceAll(/[[\]]/g, '\\$&')));
      assert.deepEqual(others, []);
    });

  it('is told of everything at once', () => {
    const kernelMappings = [{ regexp: '(' }, { literal: 'a', containerImage: 'i' }];
    assert.equal(moduleProblems(container({ kernelMappings }, {})).length, 4);
  });

  it('that is as it should be has no problem', () => {
    assert.deepEqual(moduleProblems(container({})), []);
    assert.deepEqual(moduleProblems(order('nic', 'helper')), []);
    assert.deepEqual(moduleProblems({ selector: {} }), []);
  });

  for (const [regexp, warned] of [
    ['^.+\\fc37\\.x86_64$', true],
    ['^.+\\.fc37\\.x86_64$', false],
    ['^.+\\\\fc37$', false],
    ['^\\d+\\.\\w+$', false],
  ] as const)
    it(`${warned ? 'warns' : 'does not warn'} of ${regexp}`, () => {
      const warnings = patternWarnings(mapping({ regexp }));
      assert.equal(warnings.length, warned ? 1 : 0);
      if (warned) assert.match(warnings[0] ?? '', /kernelMappings\[0\]\.regexp: .*was \\\.f meant/);
    });
});
