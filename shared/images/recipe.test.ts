// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of our API are the subject here
import assert from 'node:assert/strict';
import type { BuildSpec, ModuleLoaderContainer, SignSpec } from '@open-cluster-management/api-types';
import { resolveMapping } from '../kernel/mapping.ts';
import { type ImageRecipe, type RecipeResult, recipeOf } from './recipe.ts';

const identity = { name: 'example-module', namespace: 'default' };
const kernel = '6.1.0-13.el9.x86_64';
const image = 'example.org/repository/minimal-driver:final';
const plain = { insecure: false, insecureSkipTLSVerify: false };

interface Case {
  container?: Partial<ModuleLoaderContainer>;
  mapping?: Partial<ModuleLoaderContainer['kernelMappings'][number]>;
  kernel?: string;
  operatorNamespace?: string;
}

function result({ container, mapping, ...rest }: Case): RecipeResult {
  const whole: ModuleLoaderContainer = {
    modprobe: { moduleName: 'driver' },
    kernelMappings: [
      {
        literal: 'another',
        containerImage: 'r.example/x:1',
        build: build({ dockerfileConfigMap: { name: 'another' } }),
      },
      { regexp: '^6', containerImage: image, ...mapping },
    ],
    ...container,
  };
  const resolved = resolveMapping(whole, rest.kernel ?? kernel, identity);
  assert.ok(resolved.kind === 'match', JSON.stringify(resolved));
  const { operatorNamespace = 'default' } = rest;
  return recipeOf({
    container: whole,
    mapping: resolved.mapping,
    identity,
    imageRepoSecret: 'registry',
    operatorNamespace,
  });
}

function recipe(question: Case): ImageRecipe {
  const made = result(question);
  assert.ok(made.kind === 'recipe', JSON.stringify(made));
  return made.recipe;
}

function messageOf(question: Case): string {
  const made = result(question);
  assert.ok(made.kind === 'error', JSON.stringify(made));
  return made.message;
}

function build(overrides: Partial<BuildSpec> = {}): BuildSpec {
  return { dockerfileConfigMap: { name: 'dockerfile' }, ...overrides };
}

function sign(overrides: Partial<SignSpec> = {}): SignSpec {
  return {
    keySecret: { name: 'key' },
    certSecret: { name: 'cert' },
    filesToSign: ['/opt/lib/modules/${KERNEL_FULL_VERSION}/driver.ko'],
    unsignedImage: 'example.org/unsigned:1',
    ...overrides,
  };
}

const always = [
  { name: 'KERNEL_VERSION', value: kernel },
  { name: 'KERNEL_FULL_VERSION', value: kernel },
  { name: 'MOD_NAME', value: 'example-module' },
  { name: 'MOD_NAMESPACE', value: 'default' },
];

describe('the recipe of an image', () => {
  it('is none where neither container nor mapping says how to make it', () => {
    assert.deepEqual(result({}), { kind: 'none' });
  });

  it('carries all that making needs', () => {
    const mapping = { build: build({ selector: { fast: '' }, baseImageRegistryTLS: { insecure: true } }) };
    assert.deepEqual(recipe({ mapping: { ...mapping, registryTLS: { insecureSkipTLSVerify: true } } }), {
      image,
      registryTLS: { insecure: false, insecureSkipTLSVerify: true },
      kernel,
      dirName: '/opt',
      moduleName: 'driver',
      architecture: 'amd64',
      imageRepoSecret: 'registry',
      build: {
        image,
        dockerfileConfigMap: 'dockerfile',
        args: always,
        secrets: [],
        baseImageRegistryTLS: { insecure: true, insecureSkipTLSVerify: false },
        selector: { fast: '' },
      },
    });
  });

  it('merges builds: Dockerfile overridden, arguments by name, Secrets appended, nothing else of the mapping [19]', () => {
    const container = {
      build: build({
        buildArgs: [
          { name: 'A', value: 'container' },
          { name: 'B', value: 'container' },
        ],
        secrets: [{ name: 'one' }, { name: 'two' }],
        selector: { node: 'container' },
        baseImageRegistryTLS: { insecureSkipTLSVerify: true },
      }),
    };
    const mapping = {
      build: build({
        dockerfileConfigMap: { name: 'newer' },
        buildArgs: [
          { name: 'C', value: 'mapping' },
          { name: 'A', value: 'mapping' },
        ],
        secrets: [{ name: 'two' }, { name: 'three' }],
        selector: { node: 'mapping' },
        baseImageRegistryTLS: { insecure: true },
      }),
    };
    assert.deepEqual(recipe({ container, mapping }).build, {
      image,
      dockerfileConfigMap: 'newer',
      args: [
        { name: 'A', value: 'mapping' },
        { name: 'B', value: 'container' },
        { name: 'C', value: 'mapping' },
        ...always,
      ],
      secrets: ['one', 'two', 'three'],
      baseImageRegistryTLS: { insecure: false, insecureSkipTLSVerify: true },
      selector: { node: 'container' },
    });
  });

  it('keeps the container’s Dockerfile where the mapping leaves its name empty', () => {
    const made = recipe({
      container: { build: build() },
      mapping: { build: build({ dockerfileConfigMap: { name: '' } }) },
    });
    assert.equal(made.build?.dockerfileConfigMap, 'dockerfile');
  });

  it('merges signs: image and Secrets overridden, files appended [20]', () => {
    const container = { sign: sign({ unsignedImageRegistryTLS: { insecure: true } }) };
    const mapping = {
      sign: sign({
        keySecret: { name: 'newer-key' },
        certSecret: { name: '' },
        unsignedImage: 'example.org/unsigned:2',
        filesToSign: ['/opt/lib/modules/*/second.ko'],
      }),
    };
    assert.deepEqual(recipe({ container, mapping }).sign, {
      keySecret: 'newer-key',
      certSecret: 'cert',
      filesToSign: [`/opt/lib/modules/${kernel}/driver.ko`, '/opt/lib/modules/*/second.ko'],
      unsignedImage: 'example.org/unsigned:2',
      unsignedImageRegistryTLS: { insecure: true, insecureSkipTLSVerify: false },
    });
  });

  it('sets four arguments whatever the user says, with the kernel as the node has it [66]', () => {
    const buildArgs = always.map(({ name }) => ({ name, value: 'mine' }));
    const made = recipe({ mapping: { build: build({ buildArgs }) }, kernel: '6.1.0-13.el9~rc1+' });
    assert.deepEqual(
      made.build?.args.map(({ value }) => value),
      ['6.1.0-13.el9~rc1', '6.1.0-13.el9~rc1', 'example-module', 'default'],
    );
  });

  it('gives MOD_NAMESPACE as where the module is used, not where its image is made (T5)', () => {
    const { args } = recipe({ mapping: { build: build() }, operatorNamespace: 'openshift-kmm-hub' }).build!;
    assert.deepEqual(args.at(-1), { name: 'MOD_NAMESPACE', value: 'default' });
  });

  it('replaces kernel variables in the files and in the unsigned image, and no others [13] [14]', () => {
    const made = recipe({
      mapping: {
        sign: sign({
          unsignedImage: 'example.org/unsigned:${KERNEL_XYZ}-${MOD_NAME:-none}',
          filesToSign: ['/opt/lib/modules/$KERNEL_VERSION/${MOD_NAME}x.ko'],
        }),
      },
    });
    assert.equal(made.sign?.unsignedImage, 'example.org/unsigned:6.1.0-none');
    assert.deepEqual(made.sign?.filesToSign, [`/opt/lib/modules/${kernel}/x.ko`]);
  });

  it('builds what is to be signed under the temporary name only [84] [85]', () => {
    const made = recipe({ mapping: { build: build(), sign: sign(), registryTLS: { insecure: true } } });
    const temporary = 'example.org/repository/minimal-driver:final-default_example-module_kmm_unsigned';
    assert.equal(made.build?.image, temporary);
    assert.equal(made.sign?.unsignedImage, temporary);
    assert.deepEqual(made.sign?.unsignedImageRegistryTLS, { insecure: true, insecureSkipTLSVerify: false });
    assert.equal(made.image, image);
  });

  it('names the temporary image by the operator’s namespace on the hub [85]', () => {
    const made = recipe({ mapping: { build: build(), sign: sign() }, operatorNamespace: 'openshift-kmm-hub' });
    assert.match(made.build?.image ?? '', /:final-openshift-kmm-hub_example-module_kmm_unsigned$/);
  });

  it('takes a temporary tag of 128 characters, and refuses one more before anything is built [221]', () => {
    const rest = '-default_example-module_kmm_unsigned'.length;
    const of = (length: number) => `example.org/driver:${'t'.repeat(length - rest)}`;
    const made = recipe({ mapping: { containerImage: of(128), build: build(), sign: sign() } });
    assert.equal(made.build?.image.split(':')[1]?.length, 128);
    const message = messageOf({ mapping: { containerImage: of(129), build: build(), sign: sign() } });
    assert.match(message, /^containerImage: expected at most 128 characters .* got 129 .* shorten the tag by 1$/);
    // Without a signature there is no temporary name.
    assert.equal(result({ mapping: { containerImage: of(129), build: build() } }).kind, 'recipe');
  });

  for (const [what, mapping, expected] of [
    [
      'an image that is named by digest',
      { containerImage: `example.org/a@sha256:${'a'.repeat(64)}`, build: build() },
      /^containerImage: expected a tag without a digest/,
    ],
    [
      'an image with tag and digest',
      { containerImage: `example.org/a:1@sha256:${'a'.repeat(64)}`, sign: sign() },
      /^containerImage: expected a tag without a digest/,
    ],
    ['an image without a tag', { containerImage: 'example.org/a', build: build() }, /^containerImage: .* a tag/],
    ['an image that is none', { containerImage: 'example.org/A:1', build: build() }, /^containerImage: image/],
    [
      'a variable without an end in the unsigned image',
      { sign: sign({ unsignedImage: 'example.org/u:${KERNEL' }) },
      /^sign\.unsignedImage: expected a closing brace/,
    ],
    ['no unsigned image', { sign: sign({ unsignedImage: '' }) }, /^sign\.unsignedImage: image ""/],
    [
      'an unsigned image under the final name',
      { sign: sign({ unsignedImage: image }) },
      /^sign\.unsignedImage: expected another name/,
    ],
    [
      'a variable without an end in a file',
      { sign: sign({ filesToSign: ['/opt/a.ko', '/opt/${K'] }) },
      /^sign\.filesToSign\[1\]: expected a closing brace/,
    ],
    ['no files', { sign: sign({ filesToSign: [] }) }, /^sign\.filesToSign: expected at least one/],
    [
      'a file elsewhere',
      { sign: sign({ filesToSign: ['/optional/a.ko'] }) },
      /^sign\.filesToSign\[0\]: expected a path under \/opt/,
    ],
    [
      'a file that climbs out',
      { sign: sign({ filesToSign: ['/opt/../etc/a.ko'] }) },
      /^sign\.filesToSign\[0\]: expected a path under \/opt/,
    ],
    ['no key', { sign: sign({ keySecret: {} }) }, /^sign\.keySecret: expected the name/],
    ['a certificate that is no name', { sign: sign({ certSecret: { name: '../x' } }) }, /^sign\.certSecret: expected/],
    ['no Dockerfile', { build: build({ dockerfileConfigMap: {} }) }, /^build\.dockerfileConfigMap: expected the name/],
    ['a Secret that is a path', { build: build({ secrets: [{ name: '..' }] }) }, /^build\.secrets: expected the name/],
    [
      'an argument that is an option',
      { build: build({ buildArgs: [{ name: '--volume', value: '/:/host' }] }) },
      /^build\.buildArgs: expected a name/,
    ],
    [
      'an argument with two names',
      { build: build({ buildArgs: [{ name: 'A=B', value: '' }] }) },
      /^build\.buildArgs: expected a name/,
    ],
    [
      'an argument with NUL',
      { build: build({ buildArgs: [{ name: 'A', value: 'a\0b' }] }) },
      /^build\.buildArgs: expected a value without NUL/,
    ],
  ] as const) {
    it(`is refused for ${what}, naming the field`, () => {
      assert.match(messageOf({ mapping: mapping as Case['mapping'] & object }), expected);
    });
  }

  it('takes any root as dirName', () => {
    const container = { modprobe: { moduleName: 'driver', dirName: '/' } };
    const made = recipe({ container, mapping: { sign: sign({ filesToSign: ['/lib/modules/x.ko'] }) } });
    assert.deepEqual([made.dirName, made.sign?.filesToSign], ['/', ['/lib/modules/x.ko']]);
    assert.deepEqual(plain, made.registryTLS);
  });

  it('takes the mapping’s TLS options whole, in place of the container’s [16]', () => {
    const made = recipe({
      container: { registryTLS: { insecure: true } },
      mapping: { build: build(), registryTLS: { insecureSkipTLSVerify: true } },
    });
    assert.deepEqual(made.registryTLS, { insecure: false, insecureSkipTLSVerify: true });
  });
});
