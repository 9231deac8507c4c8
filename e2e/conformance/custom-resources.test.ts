import assert from 'node:assert/strict';
import type { KubeObject } from '../../shared/kube/object.ts';
import { resource } from '../../shared/kube/resources.ts';
import { definitions } from '../world/api-server/definitions.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

type Thing = KubeObject & { spec?: Record<string, unknown>; status?: Record<string, unknown> };
const things = resource<Thing>('conformance.example.com', 'v1', 'Thing', 'things', true);

const text = (more: object = {}) => ({ type: 'string', ...more });
const specSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: text({ maxLength: 5, pattern: '^[a-z]+$' }),
    mode: text({ enum: ['Fast', 'Slow'], default: 'Fast' }),
    count: { type: 'integer', minimum: 1, default: 1 },
    size: { 'x-kubernetes-int-or-string': true },
    fixed: text({ 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed is immutable' }] }),
    options: { type: 'object', properties: { deep: text({ default: 'x' }), maybe: text({ nullable: true }) } },
    manifest: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    labels: { type: 'object', additionalProperties: text() },
    items: {
      type: 'array',
      maxItems: 3,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['key'],
      items: { type: 'object', required: ['key'], properties: { key: text(), value: { type: 'integer' } } },
    },
  },
  'x-kubernetes-validations': [
    { rule: "!(has(self.size) && self.mode == 'Slow')", message: 'a slow thing has no size' },
    { rule: 'self.count < 100', messageExpression: "'too many for ' + self.name", fieldPath: '.count' },
  ],
};

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.conformance.example.com' },
  spec: {
    group: things.group,
    scope: 'Namespaced',
    names: { kind: 'Thing', plural: 'things', singular: 'thing', listKind: 'ThingList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: specSchema,
              status: { type: 'object', properties: { phase: text() } },
            },
          },
        },
      },
    ],
  },
};

describe('conformance: custom resources', () => {
  let plane: Plane;
  let namespace: string;

  before(async () => {
    plane = await startPlane();
    namespace = await plane.newNamespace();
    await plane.client.create(definitions, definition);
    await eventually('things are served', async () => (await plane.client.list(things)) !== undefined);
  });
  after(() => plane.stop());

  const thing = (name: string, spec?: Record<string, unknown>): Thing => ({
    apiVersion: 'conformance.example.com/v1',
    kind: 'Thing',
    metadata: { name, namespace },
    ...(spec && { spec }),
  });
  const create = (name: string, spec?: Record<string, unknown>) => plane.client.create(things, thing(name, spec));
  const merge = (name: string, body: object, options: { subresource?: 'status' } = {}) =>
    plane.client.patch(things, { namespace, name }, { type: 'merge', body }, options);

  it('a definition is established and its kind served', async () => {
    const posted = await plane.client.get(definitions, definition.metadata);
    const { conditions = [] } = (posted as unknown as { status: { conditions?: { type: string; status: string }[] } })
      .status;
    assert.equal(conditions.find(({ type }) => type === 'Established')?.status, 'True');
  });

  it('fills in defaults, also in objects that are there, and keeps what is set', async () => {
    const made = await create('defaults', { name: 'a', options: {}, count: 3 });
    assert.deepEqual(made.spec, { name: 'a', mode: 'Fast', count: 3, options: { deep: 'x' } });
  });

  it('takes null for nothing where none is allowed', async () => {
    const made = await create('nulls', { name: 'a', mode: null, labels: null, options: { maybe: null, deep: null } });
    assert.deepEqual(made.spec, { name: 'a', mode: 'Fast', count: 1, options: { deep: 'x', maybe: null } });
    const inItems = await create('nulls-2', { name: 'a', items: [{ key: 'k', value: null }] });
    assert.deepEqual(inItems.spec?.['items'], [{ key: 'k' }]);
  });

  it('drops what the schema does not know, but not in preserved or embedded parts', async () => {
    const manifest = { apiVersion: 'v1', kind: 'X', metadata: { name: 'm' }, anything: { goes: [1] } };
    const made = await create('pruned', {
      name: 'a',
      unknown: 1,
      options: { other: 2 },
      labels: { any: 'x' },
      manifest,
    });
    assert.deepEqual(made.spec, {
      name: 'a',
      mode: 'Fast',
      count: 1,
      options: { deep: 'x' },
      labels: { any: 'x' },
      manifest,
    });
  });

  const refused: [string, Record<string, unknown>, RegExp][] = [
    ['a missing field', {}, /spec\.name: Required value/],
    [
      'a wrong type',
      { name: 1 },
      /spec\.name: Invalid value: "integer": spec\.name in body must be of type string: "integer"/,
    ],
    ['a pattern', { name: 'A' }, /spec\.name: Invalid value: "A": spec\.name in body should match '\^\[a-z\]\+\$'/],
    ['a length', { name: 'abcdef' }, /spec\.name: Too long: may not be more than 5 bytes/],
    ['an enum', { name: 'a', mode: 'Odd' }, /spec\.mode: Unsupported value: "Odd": supported values: "Fast", "Slow"/],
    ['a bound', { name: 'a', count: 0 }, /spec\.count in body should be greater than or equal to 1/],
    ['int or string', { name: 'a', size: true }, /spec\.size/],
    [
      'too many items',
      { name: 'a', items: [1, 2, 3, 4].map((key) => ({ key: `${key}` })) },
      /spec\.items: Too many: 4/,
    ],
    [
      'a duplicate key',
      { name: 'a', items: [{ key: 'k' }, { key: 'k' }] },
      /spec\.items\[1\]: Duplicate value: \{"key":"k"\}/,
    ],
    ['a path into lists', { name: 'a', items: [{ key: 'k', value: 'x' }] }, /spec\.items\[0\]\.value/],
    ['a rule', { name: 'a', mode: 'Slow', size: 1 }, /spec: Invalid value: .*a slow thing has no size/],
    ['a rule with an expressed message', { name: 'a', count: 200 }, /spec\.count: Invalid value: .*too many for a/],
  ];
  for (const [what, spec, message] of refused) {
    it(`refuses ${what}, with the field's path`, async () => {
      await assert.rejects(create('refused', spec), { status: 422, reason: 'Invalid', message });
    });
  }

  it('refuses changes by transition rules, and lets the first value in', async () => {
    await create('fixed', { name: 'a' });
    await merge('fixed', { spec: { fixed: 'one' } });
    await assert.rejects(merge('fixed', { spec: { fixed: 'two' } }), { status: 422, message: /fixed is immutable/ });
    await merge('fixed', { spec: { name: 'b' } });
  });

  it('PUT needs a resourceVersion', async () => {
    await create('put', { name: 'a' });
    await assert.rejects(plane.client.replace(things, thing('put', { name: 'b' })), {
      status: 422,
      message: /metadata\.resourceVersion: Invalid value: .*must be specified for an update/,
    });
  });

  it('generation rises with the spec and with deletion only', async () => {
    const made = await create('counted', { name: 'a' });
    assert.equal(made.metadata.generation, 1);
    assert.equal((await merge('counted', { metadata: { labels: { a: 'b' } } })).metadata.generation, 1);
    const status = await merge('counted', { status: { phase: 'Up' } }, { subresource: 'status' });
    assert.equal(status.metadata.generation, 1);
    assert.equal((await merge('counted', { spec: { name: 'b' } })).metadata.generation, 2);
    await merge('counted', { metadata: { finalizers: ['example.com/hold'] } });
    await plane.client.delete(things, { namespace, name: 'counted' });
    assert.equal((await plane.client.get(things, { namespace, name: 'counted' }))?.metadata.generation, 3);
    await merge('counted', { metadata: { finalizers: null } });
  });

  it('status and the rest are written apart', async () => {
    const made = await plane.client.create(things, { ...thing('apart', { name: 'a' }), status: { phase: 'Up' } });
    assert.equal(made.status, undefined);
    assert.equal((await merge('apart', { status: { phase: 'Up' } })).status, undefined);
    const body = { status: { phase: 'Up' }, spec: { name: 'b' }, metadata: { labels: { a: 'b' } } };
    const written = await merge('apart', body, { subresource: 'status' });
    assert.deepEqual(
      [written.status, written.spec?.['name'], written.metadata.labels],
      [{ phase: 'Up' }, 'a', undefined],
    );
    const kept = await merge('apart', { spec: { name: 'c' } });
    assert.deepEqual(kept.status, { phase: 'Up' });
  });

  it('a definition takes its objects along, and waits for those that are held', async () => {
    const metadata = { name: 'others.conformance.example.com' };
    const names = { kind: 'Other', plural: 'others', singular: 'other', listKind: 'OtherList' };
    await plane.client.create(definitions, { ...definition, metadata, spec: { ...definition.spec, names } });
    const others = resource<Thing>(things.group, 'v1', 'Other', 'others', true);
    await eventually('others are served', async () => (await plane.client.list(others)) !== undefined);
    const held = { ...thing('held', { name: 'a' }), kind: 'Other' };
    held.metadata.finalizers = ['example.com/hold'];
    await plane.client.create(others, held);
    await plane.client.delete(definitions, metadata);
    await eventually('the object is being deleted', async () => {
      return (await plane.client.get(others, held.metadata))?.metadata.deletionTimestamp !== undefined;
    });
    assert.ok(await plane.client.get(definitions, metadata));
    await plane.client.patch(others, held.metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
    await eventually('the definition is gone', async () => {
      return (await plane.client.get(definitions, metadata)) === undefined;
    });
  });

  it('refuses a definition whose schema is not structural', async () => {
    const broken = structuredClone(definition) as typeof definition;
    broken.metadata.name = 'brokens.conformance.example.com';
    broken.spec.names = { kind: 'Broken', plural: 'brokens', singular: 'broken', listKind: 'BrokenList' };
    Object.assign(broken.spec.versions[0]!.schema.openAPIV3Schema.properties, { loose: { description: 'no type' } });
    await assert.rejects(plane.client.create(definitions, broken), { status: 422, message: /type: Required value/ });
  });
});
