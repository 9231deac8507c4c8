import assert from 'node:assert/strict';
import { z } from 'zod';
import { schemaChecker } from './check-object.ts';
import { customResourceDefinition } from './crd.ts';
import { ourKinds } from './kinds.ts';
import { type StructuralSchema, structuralSchema } from './structural.ts';

/** The one place where an object belongs to somebody else: a DRA driver's own configuration. */
const foreignObjects = /\.dra\.deviceClasses\[\]\.config\[\]\.opaque\.parameters$/;

for (const kind of ourKinds) {
  describe(`the schema of ${kind.resource.kind}`, () => {
    const schema = structuralSchema(kind.schema);
    const nodes = [...walk(schema, '')].filter(([path]) => path !== '');
    const own = nodes.filter(([path]) => !/^\.(apiVersion|kind|metadata)$/.test(path));
    const pathsOf = (found: [string, StructuralSchema][]) => found.map(([path]) => path);

    it('is structural: each node has one type, or is an integer or string', () => {
      const wrong = nodes.filter(
        ([, node]) => (node.type === undefined) !== (node['x-kubernetes-int-or-string'] === true),
      );
      assert.deepEqual(pathsOf(wrong), []);
      assert.equal(/"(\$ref|\$schema|allOf|oneOf|not|const|propertyNames)":/.test(JSON.stringify(schema)), false);
    });

    it('never has both fields and further ones', () => {
      const wrong = nodes.filter(
        ([, node]) => node.properties !== undefined && node.additionalProperties !== undefined,
      );
      assert.deepEqual(pathsOf(wrong), []);
    });

    it('says nothing of metadata but that it is an object: API servers refuse more', () => {
      assert.deepEqual(schema.properties?.['metadata'], { type: 'object' });
    });

    it('describes every field to an admin', () => {
      const silent = own.filter(([path, node]) => !path.endsWith('{}') && !node.description?.trim().endsWith('.'));
      assert.deepEqual(pathsOf(silent), []);
    });

    it('bounds every string, list and map', () => {
      const unbounded = own.filter(
        ([, node]) =>
          (node.type === 'string' && node.maxLength === undefined && node.enum === undefined) ||
          (node['x-kubernetes-int-or-string'] && node.maxLength === undefined) ||
          (node.type === 'array' && node.maxItems === undefined) ||
          (node.additionalProperties !== undefined && node.maxProperties === undefined),
      );
      assert.deepEqual(pathsOf(unbounded), []);
    });

    it('keeps unknown fields in objects of DRA drivers only, and drops them everywhere else', () => {
      const free = own.filter(([, node]) => node['x-kubernetes-preserve-unknown-fields']);
      assert.deepEqual(pathsOf(free.filter(([path]) => !foreignObjects.test(path))), []);
      const shapeless = own.filter(
        ([path, node]) =>
          node.type === 'object' && !foreignObjects.test(path) && !node.properties && !node.additionalProperties,
      );
      assert.deepEqual(pathsOf(shapeless), []);
    });

    it('has keys for lists that are maps, each of them required or with a default', () => {
      for (const [path, node] of nodes) {
        if (node['x-kubernetes-list-type'] !== 'map') continue;
        const { required = [], properties = {} } = node.items ?? {};
        const keys = node['x-kubernetes-list-map-keys'] ?? [];
        assert.ok(keys.length > 0, `${path} has no keys`);
        const loose = keys.filter((key) => !required.includes(key) && properties[key]?.default === undefined);
        assert.deepEqual(loose, [], path);
      }
    });

    it('has defaults that are valid themselves', () => {
      for (const [path, node] of nodes) {
        if (node.default !== undefined) assert.deepEqual(schemaChecker(node)(node.default), [], path);
      }
    });

    it('uses functions of CEL that Kubernetes 1.25 knows, and no field of a rule that came later', () => {
      const known = /^(has|all|exists|exists_one|filter|map|size|contains|startsWith|endsWith|matches)$/;
      for (const [path, node] of nodes) {
        for (const rule of node['x-kubernetes-validations'] ?? []) {
          assert.deepEqual(Object.keys(rule).sort(), ['message', 'rule'], path);
          assert.ok(rule.message.includes('expected') && rule.message.length <= 256, rule.message);
          const code = rule.rule.replaceAll(/'[^']*'/g, "''");
          const called = [...code.matchAll(/([A-Za-z_]+)\(/g)].map((match) => match[1] ?? '');
          assert.deepEqual(
            called.filter((name) => !known.test(name)),
            [],
            rule.rule,
          );
        }
      }
    });

    it('is served with a status of its own, short names and columns', () => {
      const { spec } = customResourceDefinition(kind);
      assert.deepEqual((spec['names'] as { shortNames: string[] }).shortNames, kind.shortNames);
      const [version] = spec['versions'] as { subresources: object; additionalPrinterColumns: object[] }[];
      assert.deepEqual(version?.subresources, { status: {} });
      assert.ok((version?.additionalPrinterColumns.length ?? 0) > 2);
    });
  });
}

describe('structuralSchema', () => {
  it('says nullable where zod says null, and refuses what has no structural form', () => {
    const nullable = structuralSchema(z.object({ a: z.string().nullable() }));
    assert.deepEqual(nullable.properties?.['a'], { type: 'string', nullable: true });
    assert.throws(
      () => structuralSchema(z.object({ a: z.union([z.string(), z.boolean()]) })),
      /expected a schema of one type/,
    );
  });
});

/** All nodes with their paths: `.spec.list[].field`, `{}` for the values of maps. */
function* walk(schema: StructuralSchema, path: string): Generator<[string, StructuralSchema]> {
  yield [path, schema];
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* walk(field, `${path}.${name}`);
  if (schema.items !== undefined) yield* walk(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) yield* walk(schema.additionalProperties, `${path}{}`);
}
