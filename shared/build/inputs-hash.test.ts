import assert from 'node:assert/strict';
import { assert as check, constantFrom, property, string, uniqueArray } from 'fast-check';
import type { ImageRecipe } from '../images/recipe.ts';
import { type InputVersions, inputsHash } from './inputs-hash.ts';
import type { Step } from './secret-limits.ts';
import { buildRecipe } from './testing/requests.ts';

interface Inputs {
  recipe: ImageRecipe;
  versions: InputVersions;
}

const version = (uid: string, resourceVersion: string) => ({ uid, resourceVersion });

function inputs(): Inputs {
  return {
    recipe: buildRecipe(),
    versions: {
      dockerfile: version('d', '1'),
      secrets: new Map(
        ['token', 'pull.cache', 'signing-key', 'signing-cert', 'registry'].map((name) => [name, version(name, '1')]),
      ),
      generation: 1,
      toolkitImage: 'r.example/toolkit:1',
      unsignedDigest: `sha256:${'a'.repeat(64)}`,
    },
  };
}

type Change = [what: string, change: (inputs: Inputs, text: string) => void];

const secretChanged =
  (name: string): Change[1] =>
  ({ versions }, text) =>
    (versions.secrets as Map<string, unknown>).set(name, version(name, text));

const bothChanges: Change[] = [
  ['generation', ({ versions }) => (versions.generation = 2)],
  ['kernel', ({ recipe }, text) => (recipe.kernel = text)],
  ['login', ({ recipe }, text) => (recipe.imageRepoSecret = text)],
  ['TLS options', ({ recipe }) => (recipe.registryTLS = { insecure: true, insecureSkipTLSVerify: false })],
];
const buildChanges: Change[] = [
  ['architecture', ({ recipe }, text) => (recipe.architecture = text)],
  ['image name', ({ recipe }, text) => (recipe.build!.image = text)],
  ['name of the Dockerfile', ({ recipe }, text) => (recipe.build!.dockerfileConfigMap = text)],
  ['text of the Dockerfile', ({ versions }, text) => (versions.dockerfile = version('d', text))],
  ['Dockerfile made anew', ({ versions }, text) => (versions.dockerfile = version(text, '1'))],
  ['Dockerfile gone', ({ versions }) => (versions.dockerfile = undefined)],
  ['argument', ({ recipe }, text) => (recipe.build!.args[0]!.value = text)],
  ['one more argument', ({ recipe }, text) => recipe.build!.args.push({ name: 'A', value: text })],
  ['name of a build secret', ({ recipe }, text) => (recipe.build!.secrets[1] = text)],
  ['content of a build secret', secretChanged('token')],
  ['content of another build secret', secretChanged('pull.cache')],
  ['toolkit image', ({ versions }, text) => (versions.toolkitImage = text)],
  ['selector', ({ recipe }, text) => (recipe.build!.selector = { node: text })],
  [
    'TLS options of base images',
    ({ recipe }) => (recipe.build!.baseImageRegistryTLS = { insecure: false, insecureSkipTLSVerify: true }),
  ],
];
const signChanges: Change[] = [
  ['final image name', ({ recipe }, text) => (recipe.image = text)],
  ['folder', ({ recipe }, text) => (recipe.dirName = text)],
  ['kernel module', ({ recipe }, text) => (recipe.moduleName = text)],
  ['files', ({ recipe }, text) => recipe.sign!.filesToSign.push(text)],
  ['name of the unsigned image', ({ recipe }, text) => (recipe.sign!.unsignedImage = text)],
  ['content of the unsigned image', ({ versions }, text) => (versions.unsignedDigest = text)],
  ['name of the key', ({ recipe }, text) => (recipe.sign!.keySecret = text)],
  ['key', secretChanged('signing-key')],
  ['certificate', secretChanged('signing-cert')],
];
/** Texts that no input has. */
const text = string({ minLength: 1 }).map((any) => `changed ${any}`);

function differs(step: Step, change: Change[1], to: string): boolean {
  const before = inputs();
  const after = inputs();
  change(after, to);
  return inputsHash(step, before.recipe, before.versions) !== inputsHash(step, after.recipe, after.versions);
}

describe('the hash of the inputs', () => {
  it('is 16 hexadecimal digits, another for each step', () => {
    const { recipe, versions } = inputs();
    const [build, sign] = [inputsHash('build', recipe, versions), inputsHash('sign', recipe, versions)];
    assert.match(build, /^[0-9a-f]{16}$/);
    assert.match(sign, /^[0-9a-f]{16}$/);
    assert.notEqual(build, sign);
  });

  for (const [step, changes, others, item] of [
    ['build', [...bothChanges, ...buildChanges], signChanges, '(T10) [75]'],
    ['sign', [...bothChanges, ...signChanges], buildChanges, '(T23) [90]'],
  ] as const) {
    for (const [what, change] of changes) {
      it(`of a ${step} changes with ${what} ${item}`, () => {
        check(
          property(text, (to) => differs(step, change, to)),
          { numRuns: 20 },
        );
      });
    }
    for (const [what, change] of others) {
      it(`of a ${step} has nothing to do with the other step: ${what}`, () => {
        assert.equal(differs(step, change, 'changed'), false);
      });
    }
  }

  it('has no part in the login’s content, which may be renewed every hour', () => {
    for (const step of ['build', 'sign'] as const) assert.equal(differs(step, secretChanged('registry'), '2'), false);
  });

  it('knows every two changes apart', () => {
    const some = uniqueArray(constantFrom(...bothChanges, ...buildChanges), {
      minLength: 2,
      maxLength: 2,
      selector: ([what]) => what,
    });
    const hashOf = ([, change]: Change) => {
      const changed = inputs();
      change(changed, 'changed');
      return inputsHash('build', changed.recipe, changed.versions);
    };
    check(property(some, ([one, other]) => hashOf(one!) !== hashOf(other!)));
  });

  it('does not depend on the order of keys, only on that of lists', () => {
    const { recipe, versions } = inputs();
    const turned = reversed(recipe) as ImageRecipe;
    const secrets = new Map([...versions.secrets].reverse());
    for (const step of ['build', 'sign'] as const) {
      assert.equal(inputsHash(step, turned, { ...versions, secrets }), inputsHash(step, recipe, versions));
    }
  });

  it('takes what is absent for absent', () => {
    const { recipe, versions } = inputs();
    const bare = { ...versions, generation: undefined, toolkitImage: undefined };
    const { generation: _, toolkitImage: __, ...without } = bare;
    assert.equal(inputsHash('build', recipe, bare), inputsHash('build', recipe, without));
  });
});

/** The same value with the members of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
