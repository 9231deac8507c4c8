import assert from 'node:assert/strict';
import { judgeSecrets, type SecretFacts, type Step, secretFacts } from './secret-limits.ts';
import { buildRecipe, secretFacts as facts, labelledSecrets } from './testing/requests.ts';

const label = 'kmm.node.kubernetes.io/use';
const modules = 'kmm.node.kubernetes.io/allowed-modules';
const images = 'kmm.node.kubernetes.io/allowed-images';

interface Question {
  step: Step;
  changed?: Record<string, SecretFacts | undefined>;
  recipe?: Parameters<typeof buildRecipe>[0];
  strictSecrets?: boolean;
  module?: string;
}

function judge({ step, changed = {}, recipe, strictSecrets = false, module = 'driver' }: Question) {
  const secrets = labelledSecrets();
  for (const [name, value] of Object.entries(changed)) {
    if (value === undefined) secrets.delete(name);
    else secrets.set(name, value);
  }
  return judgeSecrets({ step, recipe: buildRecipe(recipe), module, secrets, strictSecrets });
}

function withKey(key: Partial<SecretFacts>, unsignedImage?: string): Question {
  const sign = buildRecipe().sign!;
  return {
    step: 'sign',
    changed: { 'signing-key': facts('sign', key) },
    ...(unsignedImage !== undefined && { recipe: { sign: { ...sign, unsignedImage } } }),
  };
}

describe('the Secrets of a step', () => {
  it('are taken when their labels say so', () => {
    assert.deepEqual(judge({ step: 'build', strictSecrets: true }), { warnings: [] });
    assert.deepEqual(judge({ step: 'sign', strictSecrets: true }), { warnings: [] });
  });

  for (const [what, question, message] of [
    [
      'a signing key as a build secret',
      { step: 'build', changed: { token: facts('sign') } },
      `Secret token: expected label ${label}=build, got sign`,
    ],
    [
      'a pull secret as a build secret',
      { step: 'build', changed: { token: facts('pull') } },
      `Secret token: expected label ${label}=build, got pull`,
    ],
    [
      'a signing key as the login of a build',
      { step: 'build', changed: { registry: facts('sign') } },
      `Secret registry: expected label ${label}=pull, got sign`,
    ],
    [
      'the key of the same recipe in its build, even without a label',
      {
        step: 'build',
        recipe: { build: { ...buildRecipe().build!, secrets: ['signing-key'] } },
        changed: { 'signing-key': facts(undefined) },
      },
      'Secret signing-key holds the signing key: it is never mounted in a build',
    ],
    [
      'the key of the same recipe as the login of its build',
      { step: 'build', recipe: { imageRepoSecret: 'signing-key' }, changed: { 'signing-key': facts(undefined) } },
      'Secret signing-key holds the signing key: it is never mounted in a build',
    ],
    [
      'a build secret as the key',
      { step: 'sign', changed: { 'signing-key': facts('build') } },
      `Secret signing-key: expected label ${label}=sign, got build`,
    ],
    [
      'a build secret as the certificate',
      { step: 'sign', changed: { 'signing-cert': facts('build') } },
      `Secret signing-cert: expected label ${label}=sign, got build`,
    ],
    [
      'an unlabelled key where labels are wanted',
      { step: 'sign', strictSecrets: true, changed: { 'signing-key': facts(undefined) } },
      `Secret signing-key has no label ${label}=sign (strictSecrets)`,
    ],
    [
      'a key for a module that it does not name',
      withKey({ allowedModules: ['other', 'driver2'] }),
      `Secret signing-key: its annotation ${modules} does not name driver`,
    ],
    [
      'a key that names no module',
      withKey({ allowedModules: [] }),
      `Secret signing-key: its annotation ${modules} does not name driver`,
    ],
    [
      'a key for a source that it does not name',
      withKey({ allowedImages: ['r.example/other'] }, 'r.example/kmod:1'),
      `Secret signing-key: its annotation ${images} does not name the repository of r.example/kmod:1`,
    ],
    [
      'a key for a source beside what it names',
      withKey({ allowedImages: ['r.example/team/*'] }, 'r.example/team2/kmod:1'),
      `Secret signing-key: its annotation ${images} does not name the repository of r.example/team2/kmod:1`,
    ],
    [
      'a key for a source that only begins like what it names',
      withKey({ allowedImages: ['r.example/kmod'] }, 'r.example/kmod-evil:1'),
      `Secret signing-key: its annotation ${images} does not name the repository of r.example/kmod-evil:1`,
    ],
    [
      'a key that names everything in a way that we do not know',
      withKey({ allowedImages: ['/*', '*'] }, 'r.example/kmod:1'),
      `Secret signing-key: its annotation ${images} does not name the repository of r.example/kmod:1`,
    ],
  ] satisfies readonly (readonly [string, Question, string])[]) {
    it(`are refused: ${what}`, () => {
      assert.deepEqual(judge(question).refusal, { reason: 'SecretRefused', message });
    });
  }

  for (const [step, name] of [
    ['build', 'token'],
    ['build', 'registry'],
    ['sign', 'signing-key'],
    ['sign', 'signing-cert'],
    ['sign', 'registry'],
  ] as const) {
    it(`are named when missing: ${name} of a ${step} [94]`, () => {
      const { refusal } = judge({ step, changed: { [name]: undefined } });
      assert.deepEqual(refusal, { reason: 'SecretMissing', message: `Secret ${name} does not exist` });
    });
  }

  it('are taken with a warning when they have no label', () => {
    const changed = { token: facts(undefined), registry: facts(undefined) };
    assert.deepEqual(judge({ step: 'build', changed }), {
      warnings: [`Secret token has no label ${label}=build`, `Secret registry has no label ${label}=pull`],
    });
  });

  it('concern their own step only', () => {
    const nothing = { 'signing-key': undefined, 'signing-cert': undefined };
    assert.deepEqual(judge({ step: 'build', changed: nothing }), { warnings: [] });
    assert.deepEqual(judge({ step: 'sign', changed: { token: undefined } }), { warnings: [] });
  });

  for (const [pattern, image] of [
    ['r.example/kmod', 'r.example/kmod:1'],
    ['r.example/kmod', `r.example/kmod@sha256:${'a'.repeat(64)}`],
    ['r.example/*', 'r.example/a/b/c:1'],
    ['r.example/team/*', 'r.example/team/kmod:1'],
    ['team/kmod', 'docker.io/team/kmod:1'],
  ] as const) {
    it(`let ${pattern} sign ${image}`, () => {
      assert.deepEqual(judge(withKey({ allowedImages: ['x.example/y', pattern] }, image)), { warnings: [] });
    });
  }

  it('are read from labels and annotations', () => {
    const metadata = {
      name: 'key',
      uid: 'u',
      resourceVersion: '7',
      labels: { [label]: 'sign' },
      annotations: {
        [modules]: ' a, b\nc ',
        [images]: '',
        'kmm.node.kubernetes.io/allow-insecure-registry': 'true',
      },
    };
    assert.deepEqual(secretFacts(metadata), {
      uid: 'u',
      resourceVersion: '7',
      use: 'sign',
      allowedModules: ['a', 'b', 'c'],
      allowedImages: [],
      insecureAllowed: true,
    });
    assert.deepEqual(secretFacts({ name: 'key' }), { uid: '', resourceVersion: '', insecureAllowed: false });
  });
});
