import * as models from '@kubernetes/client-node/dist/gen/models/all.js';
import type { Schema } from '../schema/schema.ts';

interface Attribute {
  baseName: string;
  type: string;
  format: string;
}

const described = models as unknown as Record<string, { getAttributeTypeMap?(): Attribute[] }>;

/** Members whose texts are quantities: Kubernetes takes numbers for them, too. */
const quantities = /^(?:limits|requests|capacity|allocatable|overhead|sizeLimit|divisor|hard|used)$/;
const anything: Schema = { 'x-kubernetes-preserve-unknown-fields': true };
const schemas = new Map<string, Schema>();
const names = new Map<Schema, string>();

/** The name of a built-in kind's type among the JavaScript client's models. */
export function typeName(group: string, kind: string): string {
  if (kind === 'Event') return group === '' ? 'CoreV1Event' : 'EventsV1Event';
  return `V1${kind}`;
}

/**
 * The fields of a type of Kubernetes' API, as the JavaScript client knows them; types that hold themselves are cyclic
 * schemas. What the client does not describe may hold anything.
 */
export function typeSchema(name: string): Schema {
  const present = schemas.get(name);
  if (present) return present;
  const attributes = described[name]?.getAttributeTypeMap?.();
  if (attributes === undefined) return anything;
  const properties: Record<string, Schema> = {};
  const made: Schema = { type: 'object', properties };
  schemas.set(name, made);
  names.set(made, name);
  for (const attribute of attributes) properties[attribute.baseName] = schemaOf(attribute);
  return made;
}

/** The type that a schema was made of; undefined for one that has no name of its own. */
export function nameOfType(schema: Schema): string | undefined {
  return names.get(schema);
}

function schemaOf({ baseName, type, format }: Attribute): Schema {
  const item = /^Array<(.*)>$/.exec(type)?.[1];
  if (item !== undefined) return { type: 'array', items: schemaOf({ baseName, type: item, format }) };
  const value = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (value !== undefined) return { type: 'object', additionalProperties: schemaOf({ baseName, type: value, format }) };
  switch (type) {
    case 'string':
      if (quantities.test(baseName)) return anything;
      return { type: 'string', ...(format === 'byte' && { format }) };
    case 'number':
      return { type: format.startsWith('int') ? 'integer' : 'number' };
    case 'boolean':
      return { type: 'boolean' };
    case 'Date':
    case 'V1MicroTime':
      return { type: 'string', format: 'date-time' };
    case 'IntOrString':
      return { 'x-kubernetes-int-or-string': true };
    default:
      return typeSchema(type);
  }
}
