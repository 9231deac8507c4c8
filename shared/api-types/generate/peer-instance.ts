import fc from 'fast-check';
import type { StructuralSchema } from './structural.ts';

/**
 * Objects that a structural schema accepts, for tests: small, with texts that have neither white space nor a form that
 * only some fields want. Optional fields come and go.
 */
export function instanceOf(schema: StructuralSchema): fc.Arbitrary<unknown> {
  if (schema['x-kubernetes-int-or-string']) return fc.constantFrom(2, '500m', '64Mi');
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return fc.constantFrom('a', 'b0', 'example.com', ...(schema.pattern === undefined ? ['', '/dev/A_b'] : []));
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: 0, max: 1000 });
    case 'array':
      return listOf(schema);
    default:
      return objectOf(schema);
  }
}

function listOf(schema: StructuralSchema): fc.Arbitrary<unknown> {
  const { items = {}, minItems = 0 } = schema;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const identity = (item: unknown) => JSON.stringify(keys.map((key) => (item as Record<string, unknown>)[key]));
  const size = { minLength: minItems, maxLength: minItems + 1 };
  return keys.length > 0
    ? fc.uniqueArray(instanceOf(items), { ...size, selector: identity })
    : fc.array(instanceOf(items), size);
}

function objectOf(schema: StructuralSchema): fc.Arbitrary<unknown> {
  const { properties, additionalProperties, required = [] } = schema;
  if (additionalProperties !== undefined) {
    return fc.dictionary(fc.constantFrom('a', 'example.com/b'), instanceOf(additionalProperties), {
      maxKeys: 2,
      noNullPrototype: true,
    });
  }
  if (schema['x-kubernetes-preserve-unknown-fields']) return fc.constant({ anything: { at: ['all'] } });
  const members = Object.entries(properties ?? {}).map(([name, field]) => [name, instanceOf(field)] as const);
  return fc.record(Object.fromEntries(members), { requiredKeys: [...required], noNullPrototype: true });
}
