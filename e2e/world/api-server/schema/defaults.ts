import { isRecord } from '../../../../shared/core/record.ts';
import { copyOf } from '../object.ts';
import type { Schema } from './schema.ts';

/**
 * Fills in, in place, the schema's defaults: only into objects that are there (or that a default has just made). A null
 * where none is allowed counts as absent.
 */
export function applyDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) applyDefaults(item, schema.items);
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (value[name] === null && property.nullable !== true) delete value[name];
    if (value[name] === undefined && property.default !== undefined) value[name] = copyOf(property.default);
    applyDefaults(value[name], property);
  }
  const { additionalProperties } = schema;
  if (typeof additionalProperties !== 'object') return;
  for (const [name, member] of Object.entries(value)) {
    if (Object.hasOwn(schema.properties ?? {}, name)) continue;
    if (member === null && additionalProperties.nullable !== true) delete value[name];
    else applyDefaults(member, additionalProperties);
  }
}
