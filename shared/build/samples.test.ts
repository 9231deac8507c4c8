import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { parse } from 'yaml';
import { recipeOf } from '../images/recipe.ts';
import { resolveMapping } from '../kernel/mapping.ts';
import type { ConfigMap } from '../kube/object.ts';
import { dockerfileOf } from './dockerfile.ts';
import { usesToolkit } from './toolkit.ts';

const sample = (name: string): unknown =>
  parse(readFileSync(new URL(`../../deploy/samples/${name}`, import.meta.url), 'utf8'));

describe('the sample that is built and signed', () => {
  const { metadata, spec } = sample('build-and-sign.yaml') as ManagedClusterModule;
  const configMap = sample('build-and-sign-dockerfile.yaml') as ConfigMap;
  const container = spec?.moduleSpec?.moduleLoader?.container;
  assert.ok(container !== undefined);
  const kernel = '5.14.0-570.12.1.el9_6.x86_64';
  const identity = { name: metadata.name, namespace: spec?.spokeNamespace ?? '' };
  const resolved = resolveMapping(container, kernel, identity);
  assert.ok(resolved.kind === 'match');
  const made = recipeOf({
    container,
    mapping: resolved.mapping,
    identity,
    imageRepoSecret: spec?.moduleSpec?.imageRepoSecret?.name,
    operatorNamespace: 'openshift-kmm-hub',
  });
  assert.ok(made.kind === 'recipe', JSON.stringify(made));
  const { recipe } = made;

  it('has a recipe that says all it should', () => {
    assert.equal(recipe.image, `registry.example.com/kernel-modules/simple-kmod:${kernel}`);
    assert.equal(recipe.build?.image, `${recipe.image}-openshift-kmm-hub_simple-kmod_kmm_unsigned`);
    assert.deepEqual(recipe.sign?.filesToSign, [`/opt/lib/modules/${kernel}/simple_kmod.ko`]);
  });

  it('names a ConfigMap that is there, in the hub’s namespace, of the seed’s shape [218]', () => {
    assert.deepEqual(
      [configMap.metadata.name, configMap.metadata.namespace],
      [recipe.build?.dockerfileConfigMap, 'openshift-kmm-hub'],
    );
    const found = dockerfileOf(configMap.metadata.name, configMap);
    assert.ok(found.kind === 'text' && usesToolkit(found.text));
    const instructions = found.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const at = (pattern: RegExp) => instructions.findIndex((line) => pattern.test(line));
    assert.equal(at(/^ARG DTK_AUTO$/), 0);
    assert.ok(at(/^RUN \["/) > at(/^FROM \$\{DTK_AUTO\} as builder$/));
    assert.ok(at(/^COPY --from=builder /) > at(/^FROM \$\{BASE_IMAGE\}$/));
    assert.match(instructions.at(-1) ?? '', /^RUN depmod -b \/opt /);
  });

  it('gives every argument and every Secret that the Dockerfile uses', () => {
    const text = configMap.data?.['dockerfile'] ?? '';
    const given = new Set([...(recipe.build?.args ?? []).map(({ name }) => name), 'DTK_AUTO']);
    const asked = [...text.matchAll(/^ARG (\w+)/gm)].map((match) => match[1] ?? '');
    assert.deepEqual(
      asked.filter((name) => !given.has(name)),
      [],
    );
    const read = [...text.matchAll(/\/run\/secrets\/([\w.-]+)\//g)].map((match) => match[1]);
    assert.deepEqual(read, recipe.build?.secrets);
  });
});
