import { z } from 'zod';

/** A node of a structural schema, as apiextensions/v1 demands it (every node has a type, no $ref, no free-form parts). */
export interface StructuralSchema {
  type?: string;
  description?: string;
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  anyOf?: StructuralSchema[];
  enum?: unknown[];
  default?: unknown;
  nullable?: boolean;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

/** What zod's JSON schema has beside that, before it is made structural. */
type JsonNode = Omit<StructuralSchema, 'additionalProperties' | 'properties' | 'items' | 'anyOf'> & {
  properties?: Record<string, JsonNode>;
  items?: JsonNode;
  additionalProperties?: JsonNode | boolean;
  anyOf?: JsonNode[];
};

/** Copied as they are. Everything that is not named here or handled below is dropped, such as `$schema` and `propertyNames`. */
const kept = [
  'type',
  'description',
  'required',
  'enum',
  'default',
  'nullable',
  'format',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'maxProperties',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const;

/** The schema of a whole object: `metadata` is the API server's own business and only named. */
export function structuralSchema(kind: z.ZodType): StructuralSchema {
  const root = structural(z.toJSONSchema(kind, { target: 'openapi-3.0', io: 'input', reused: 'inline' }) as JsonNode);
  const properties: Record<string, StructuralSchema> = {
    ...root.properties,
    apiVersion: { type: 'string', description: 'Group and version of this kind.' },
    kind: { type: 'string', description: 'The kind.' },
    // An API server refuses a definition that says anything more of it, a description included.
    metadata: { type: 'object' },
  };
  const required = (root.required ?? []).filter((name) => !['apiVersion', 'kind', 'metadata'].includes(name));
  return { ...root, properties, ...(required.length > 0 ? { required } : { required: undefined }) };
}

function structural(node: JsonNode): StructuralSchema {
  const schema = kept.reduce<Record<string, unknown>>((copy, key) => {
    if (node[key] !== undefined) copy[key] = node[key];
    return copy;
  }, {}) as StructuralSchema;
  if (node.pattern !== undefined) schema.pattern = node.pattern.replaceAll('\\/', '/');
  if (node['x-kubernetes-int-or-string']) return intOrString(schema);
  if (node.anyOf !== undefined || node.type === undefined) {
    throw new Error(`expected a schema of one type, got ${JSON.stringify(node)}: structural schemas have no others`);
  }
  copyBounds(node, schema);
  if (node.items !== undefined) schema.items = structural(node.items);
  if (node.properties !== undefined) schema.properties = mapValues(node.properties, structural);
  copyMap(node, schema);
  return schema;
}

/** The one form in which a structural schema may leave out the type. */
function intOrString(schema: StructuralSchema): StructuralSchema {
  const { type: _type, ...rest } = schema;
  return { ...rest, anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true };
}

/** zod bounds every integer by what a JavaScript number can hold: not a bound of the API. */
function copyBounds(node: JsonNode, schema: StructuralSchema): void {
  if (node.minimum !== undefined && node.minimum !== Number.MIN_SAFE_INTEGER) schema.minimum = node.minimum;
  if (node.maximum !== undefined && node.maximum !== Number.MAX_SAFE_INTEGER) schema.maximum = node.maximum;
}

function copyMap(node: JsonNode, schema: StructuralSchema): void {
  if (node['x-kubernetes-preserve-unknown-fields']) schema['x-kubernetes-preserve-unknown-fields'] = true;
  else if (typeof node.additionalProperties === 'object' && Object.keys(node.additionalProperties).length > 0) {
    schema.additionalProperties = structural(node.additionalProperties);
  }
}

function mapValues<From, To>(members: Record<string, From>, change: (member: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(members).map(([key, member]) => [key, change(member)]));
}
