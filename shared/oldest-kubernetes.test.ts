import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as api from '@open-cluster-management/api-types';
import { devicePluginDaemonSet } from '../spoke/device-plugin/daemon-set.ts';
import { loaderDaemonSet } from '../spoke/module-loader/daemon-set.ts';
import { unloadPod } from '../spoke/module-loader/unload-pod.ts';
import { buildLoader, buildModule, kernelA, settings } from '../spoke/testing/builders.ts';
import { buildJob } from './build/build-job.ts';
import { signJob } from './build/sign-job.ts';
import { buildRequest, signRequest } from './build/testing/requests.ts';
import type { KubeObject, Resource } from './kube/object.ts';
import * as builtIn from './kube/resources.ts';
import { yamlDocuments } from './testing/yaml-files.ts';

/** Nothing that we send, apply or ship is newer than Kubernetes 1.25, which OpenShift 4.12 is made of. */
const root = join(import.meta.dirname, '..');

/** Served by Kubernetes 1.25 (events.k8s.io since 1.19, coordination.k8s.io since 1.14), and the CRDs that a cluster brings. */
const served = new Set([
  'v1',
  'apps/v1',
  'batch/v1',
  'apiextensions.k8s.io/v1',
  'authentication.k8s.io/v1',
  'authorization.k8s.io/v1',
  'coordination.k8s.io/v1',
  'events.k8s.io/v1',
  'networking.k8s.io/v1',
  'rbac.authorization.k8s.io/v1',
  'cluster.open-cluster-management.io/v1',
  'cluster.open-cluster-management.io/v1alpha1',
  'work.open-cluster-management.io/v1',
  'kmm.sigs.x-k8s.io/v1beta1',
  'hub.kmm.sigs.x-k8s.io/v1beta1',
]);

/** Read by kustomize, never sent. */
const local = new Set(['kustomize.config.k8s.io/v1beta1']);
/** Samples for OpenShift only: 4.12, which is Kubernetes 1.25, serves it. */
const ofOpenShift = 'machineconfiguration.openshift.io/v1';

/** What the CEL of 1.25 has: its standard definitions, the string extension of that time and Kubernetes' own lists and regular expressions. */
const celFunctions = new Set(
  [
    'has all exists exists_one map filter',
    'size contains startsWith endsWith matches int uint double string bytes bool dyn type duration timestamp',
    'charAt indexOf lastIndexOf join lowerAscii upperAscii replace split substring trim',
    'isSorted sum min max find findAll',
  ].flatMap((line) => line.split(' ')),
);

/** Keywords of a CRD's version and of a schema that 1.25 knows; others it drops without a word. */
const versionKeys = new Set('name served storage deprecated schema subresources additionalPrinterColumns'.split(' '));
const schemaKeys = new Set(
  [
    'type description properties required items additionalProperties enum default nullable format pattern anyOf title example',
    'minLength maxLength minItems maxItems minProperties maxProperties minimum maximum uniqueItems',
    'x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-map-type x-kubernetes-int-or-string',
    'x-kubernetes-preserve-unknown-fields x-kubernetes-embedded-resource x-kubernetes-validations',
  ].flatMap((line) => line.split(' ')),
);

/** Fields of pods and of what makes pods that 1.25 does not know, or knows and has switched off. */
const newerFields = new Set(
  [
    'schedulingGates matchLabelKeys resizePolicy resourceClaims restartPolicyRules hostUsers appArmorProfile',
    'supplementalGroupsPolicy recursiveReadOnly clusterTrustBundle podFailurePolicy unhealthyPodEvictionPolicy',
  ].flatMap((line) => line.split(' ')),
);

interface Version {
  schema: { openAPIV3Schema: Schema };
}
type Schema = { [key: string]: unknown };

const files = readdirSync(join(root, 'deploy'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.yaml'),
);
const documents = files.flatMap((file) =>
  yamlDocuments(join(root, 'deploy', file)).map((object) => ({
    file,
    object: object as KubeObject & { spec?: { versions?: Version[] } },
  })),
);
const schemas = documents.flatMap(({ file, object }) =>
  object.kind === 'CustomResourceDefinition'
    ? (object.spec?.versions ?? []).map(({ schema, ...version }) => ({ file, version, schema: schema.openAPIV3Schema }))
    : [],
);

describe('on Kubernetes 1.25', () => {
  it('every object of deploy/ is of a kind that is served [210]', () => {
    const isKnown = ({ file, object: { apiVersion } }: (typeof documents)[number]) =>
      served.has(apiVersion) || local.has(apiVersion) || (file.startsWith('samples/') && apiVersion === ofOpenShift);
    const unknown = documents.filter((document) => !isKnown(document));
    assert.ok(documents.length > 40);
    assert.deepEqual(
      unknown.map(({ file, object }) => `${file}: ${object.apiVersion}`),
      [],
    );
  });

  it('every resource that the programs name is served [210]', () => {
    const named = [...Object.values(builtIn), ...Object.values(api)].filter(isResource);
    assert.ok(named.length >= 15);
    const versions = named.map(({ group, version }) => (group === '' ? version : `${group}/${version}`));
    assert.deepEqual(
      versions.filter((version) => !served.has(version)),
      [],
    );
  });

  it('our CRDs use keywords that are known, and rules of nothing but a rule and its message [210]', () => {
    assert.ok(schemas.length >= 2);
    for (const { file, version, schema } of schemas) {
      assert.deepEqual(
        Object.keys(version).filter((key) => !versionKeys.has(key)),
        [],
        file,
      );
      for (const node of walk(schema)) {
        assert.deepEqual(
          Object.keys(node).filter((key) => !schemaKeys.has(key)),
          [],
          file,
        );
        for (const rule of rulesOf(node)) assert.deepEqual(Object.keys(rule).sort(), ['message', 'rule'], file);
      }
    }
  });

  it('our CRDs call functions that its CEL has, and none of its later syntax [210]', () => {
    const rules = schemas.flatMap(({ schema }) => [...walk(schema)].flatMap(rulesOf).map(({ rule }) => rule));
    assert.ok(rules.length > 10);
    for (const rule of rules) assert.deepEqual(newerCel(rule), [], rule);
    // The check itself: what came with 1.27 to 1.32.
    const newer = ['quantity(self.a)', "self.?a.orValue('')", "self[?'a']", "'%d'.format([self.a])", 'authorizer.x(1)'];
    for (const rule of newer) assert.notDeepEqual(newerCel(rule), [], rule);
  });

  it('no pod of ours has a field that came later [210]', () => {
    const container = { image: 'registry.example.com/plugin:1' };
    const module = buildModule({ devicePlugin: { container } });
    const mapping = {
      kernelVersion: kernelA,
      containerImage: 'registry.example.com/nic:1',
      inTreeModulesToRemove: ['nic'],
    } as Parameters<typeof loaderDaemonSet>[0]['mapping'];
    const jobs = [buildJob(buildRequest()), signJob(signRequest())];
    const pods = [
      loaderDaemonSet({ module, mapping, settings }),
      unloadPod(buildLoader('n1')),
      devicePluginDaemonSet({ module, behindLoader: true, settings }),
      ...jobs.flatMap((made) => (made.kind === 'object' ? [made.object] : [])),
      ...documents.filter(({ object }) => object.kind === 'Deployment').map(({ object }) => object),
    ];
    assert.equal(pods.length, 7);
    for (const pod of pods) {
      const late = [...keysOf(pod)].filter((key) => newerFields.has(key));
      assert.deepEqual(late, []);
      // A sidecar (1.28), a hook that sleeps (1.29), an image as a volume (1.31): known fields with a new meaning.
      assert.doesNotMatch(JSON.stringify(pod), /"initContainers":\[[^\]]*"restartPolicy"|"sleep":\{|"image":\{/);
    }
  });

  it('the programs ask the API server for nothing that came later: fieldValidation, streamed lists [210]', () => {
    const sources = execFileSync('git', ['ls-files', 'hub', 'spoke', 'shared'], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
    const asked = /fieldValidation|sendInitialEvents|shardSelector|ignoreStoreReadError/;
    assert.deepEqual(
      sources.filter((file) => asked.test(readFileSync(join(root, file), 'utf8'))),
      [],
    );
  });
});

function isResource(value: unknown): value is Resource<KubeObject> {
  return typeof value === 'object' && value !== null && 'plural' in value && 'version' in value;
}

/** Called functions that 1.25 does not know, and optional fields (1.29). */
function newerCel(rule: string): string[] {
  const code = rule.replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, "''");
  const called = [...code.matchAll(/([A-Za-z_]\w*)\s*\(/g)].map((match) => match[1] ?? '');
  const syntax = code.match(/\.\?|\[\?/g) ?? [];
  return [...called.filter((name) => !celFunctions.has(name)), ...syntax];
}

function* walk(schema: Schema): Generator<Schema> {
  yield schema;
  for (const field of Object.values((schema['properties'] ?? {}) as Record<string, Schema>)) yield* walk(field);
  for (const key of ['items', 'additionalProperties']) {
    const below = schema[key];
    if (typeof below === 'object' && below !== null) yield* walk(below as Schema);
  }
}

function rulesOf(schema: Schema): { rule: string; message?: string }[] {
  return (schema['x-kubernetes-validations'] ?? []) as { rule: string }[];
}

function* keysOf(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, below] of Object.entries(value)) {
    if (!Array.isArray(value)) yield key;
    yield* keysOf(below);
  }
}
