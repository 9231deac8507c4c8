import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parse } from 'yaml';
import { appliedManifestWorkSchema, clusterClaimSchema, managedClusterSchema, manifestWorkSchema } from '../schemas.ts';
import { schemaChecker } from './check-object.ts';
import { managedClusterModuleKind, moduleKind } from './kinds.ts';
import { instanceOf } from './peer-instance.ts';
import { type StructuralSchema, structuralSchema } from './structural.ts';

/** The peers' CRDs: data beside the project, not part of it. */
const folder = process.env['KMM_PEER_CRDS'] ?? fileURLToPath(new URL('../../../../shared/crds', import.meta.url));
const isPresent = existsSync(folder);

/** Where we ask for more than the peer, and why. */
const narrower: Record<string, string> = {
  '.spec required': 'an object without a spec says nothing, and programs would have to expect it everywhere',
};

function peerSchema(name: string): StructuralSchema {
  const [api, file] = name.split('/') as [string, string];
  const path = readdirSync(join(folder, api)).find((candidate) => candidate.startsWith(`${file}.`));
  assert.ok(path, `expected the CRD of ${file} in ${join(folder, api)}`);
  const definition = parse(readFileSync(join(folder, api, path), 'utf8')) as {
    spec: { versions: { schema: { openAPIV3Schema: StructuralSchema } }[] };
  };
  return definition.spec.versions[0]!.schema.openAPIV3Schema;
}

describe('what the peers accept', () => {
  before(function () {
    if (isPresent) return;
    assert.equal(process.env['KMM_PEER_CRDS'], undefined, `expected the peers' CRDs in ${folder}`);
    console.error(`SKIPPED: no peers' CRDs in ${folder}, so compatibility is not checked: set KMM_PEER_CRDS`);
    this.skip();
  });

  for (const [kind, name] of [
    [moduleKind, 'kmm/modules'],
    [managedClusterModuleKind, 'kmm/managedclustermodules'],
  ] as const) {
    const ours = structuralSchema(kind.schema);

    it(`${kind.resource.kind}: each of the peer's fields is there, of the same type, and no more required`, () => {
      const differences = compared({ wide: peerSchema(name), narrow: ours, path: '' });
      assert.deepEqual(
        differences.filter((difference) => narrower[difference] === undefined),
        [],
      );
    });

    it(`${kind.resource.kind}: what the peer's CRD takes, ours takes within its bounds, and drops nothing of it`, () => {
      const peer = peerSchema(name);
      const [peerErrors, ourErrors] = [schemaChecker(peer), schemaChecker(ours)];
      const instance = instanceOf({ ...peer, required: ['apiVersion', 'kind', 'metadata', 'spec'] });
      fc.assert(
        fc.property(instance, (value) => {
          assert.deepEqual(peerErrors(value), [], 'the generated object is no good');
          const object = { ...(value as object), metadata: { name: 'a' } };
          assert.deepEqual(ourErrors(object), []);
          assert.deepEqual(kind.schema.parse(object), object);
        }),
        { numRuns: 40 },
      );
    });
  }

  const ocm = {
    managedclusters: managedClusterSchema,
    clusterclaims: clusterClaimSchema,
    manifestworks: manifestWorkSchema,
    appliedmanifestworks: appliedManifestWorkSchema,
  };
  for (const [name, schema] of Object.entries(ocm)) {
    it(`${name}: each field that we know is there in OCM's own CRD, of the same type`, () => {
      const known = structuralSchema(schema);
      assert.deepEqual(fieldsMissing(known, peerSchema(`ocm/${name}`), ''), []);
    });
  }
});

interface Pair {
  /** Everything that this accepts … */
  wide: StructuralSchema;
  /** … this must accept too, sizes apart. */
  narrow: StructuralSchema;
  path: string;
}

function compared({ wide, narrow, path }: Pair): string[] {
  const isObject = (schema: StructuralSchema) => schema.type === 'object';
  if (wide.type !== narrow.type) return [`${path} has type ${narrow.type} instead of ${wide.type}`];
  const differences = [
    ...(narrow.required ?? [])
      .filter((name) => !wide.required?.includes(name))
      .map((name) => `${path}.${name} required`),
    ...valueDifferences({ wide, narrow, path }),
  ];
  for (const [name, field] of Object.entries(wide.properties ?? {})) {
    const own = narrow.properties?.[name] ?? narrow.additionalProperties;
    if (own === undefined) differences.push(`${path}.${name} missing`);
    else differences.push(...compared({ wide: field, narrow: own, path: `${path}.${name}` }));
  }
  for (const part of ['items', 'additionalProperties'] as const) {
    const [theirs, own] = [wide[part], narrow[part]];
    if (theirs === undefined) continue;
    if (own === undefined) differences.push(`${path} has no ${part}`);
    else differences.push(...compared({ wide: theirs, narrow: own, path: `${path}[]` }));
  }
  if (
    isObject(wide) &&
    wide['x-kubernetes-preserve-unknown-fields'] &&
    !narrow['x-kubernetes-preserve-unknown-fields']
  ) {
    differences.push(`${path} drops what it does not know`);
  }
  return differences;
}

/** Patterns that only forbid what no kernel module's name (contract 9) and no argument can hold are among the bounds. */
const boundingPatterns = ['^[^\\x00-\\x20\\x7f]*$', '^[^\\x00]*$'];

/** Everything but bounds must be the peer's own. */
function valueDifferences({ wide, narrow, path }: Pair): string[] {
  const differences: string[] = [];
  const differ = (what: string) => differences.push(`${path} ${what}`);
  if (JSON.stringify(wide.default) !== JSON.stringify(narrow.default)) differ('has another default');
  if (wide.format !== narrow.format && narrow.format !== undefined) differ(`has format ${narrow.format}`);
  const { pattern } = narrow;
  if (pattern !== undefined && pattern !== wide.pattern && !boundingPatterns.includes(pattern)) {
    differ(`has pattern ${pattern}`);
  }
  if (narrow.enum !== undefined && !(wide.enum ?? [undefined]).every((value) => narrow.enum?.includes(value))) {
    differ('takes fewer values');
  }
  if ((narrow.minItems ?? 0) > (wide.minItems ?? 0)) differ('wants more items');
  if ((narrow.minLength ?? 0) > (wide.minLength ?? 0)) differ('wants more characters');
  if ((narrow.maxItems ?? Infinity) < Math.min(wide.maxItems ?? Infinity, 8)) differ('takes fewer items');
  if (narrow.minimum !== undefined && narrow.minimum > (wide.minimum ?? -Infinity)) differ('has a minimum');
  const [ours, theirs] = [narrow, wide].map((schema) => schema['x-kubernetes-list-type'] ?? 'atomic');
  if (ours !== theirs) differ(`is a list of type ${ours}`);
  return differences;
}

/** Paths of `known` that `whole` has not, or has as another type. */
function fieldsMissing(known: StructuralSchema, whole: StructuralSchema, path: string): string[] {
  if (known.type !== whole.type) return [`${path} has type ${whole.type}, not ${known.type}`];
  if (whole['x-kubernetes-preserve-unknown-fields'] || path === '.metadata') return [];
  const missing = Object.entries(known.properties ?? {}).flatMap(([name, field]) => {
    const theirs = whole.properties?.[name];
    return theirs === undefined ? [`${path}.${name} missing`] : fieldsMissing(field, theirs, `${path}.${name}`);
  });
  const below = (['items', 'additionalProperties'] as const).flatMap((part) => {
    const [own, theirs] = [known[part], whole[part]];
    if (own === undefined) return [];
    return theirs === undefined ? [`${path} has no ${part}`] : fieldsMissing(own, theirs, `${path}[]`);
  });
  return [...missing, ...below];
}
