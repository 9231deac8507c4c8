import type { ManagedClusterModuleSpec } from '@open-cluster-management/api-types';
import { managedClusterModuleSpecSchema } from '@open-cluster-management/api-types/schemas';
import { z } from 'zod';
import { isRecord } from '../../shared/core/record.ts';

interface Schema {
  default?: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
}

/**
 * The spec as the API server would keep it: unknown fields dropped, defaults filled in where a field is left out. Versions
 * are told apart by their content, so a default more or less would look like a new version.
 */
export function asKept(spec: ManagedClusterModuleSpec): ManagedClusterModuleSpec {
  const parsed = managedClusterModuleSpecSchema.safeParse(spec);
  if (!parsed.success) return spec;
  const schema = z.toJSONSchema(managedClusterModuleSpecSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  return filled(schema, parsed.data) as ManagedClusterModuleSpec;
}

function filled(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item) => (schema.items === undefined ? item : filled(schema.items, item)));
  if (!isRecord(value)) return value;
  const { properties = {}, additionalProperties } = schema;
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const own = properties[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (member !== undefined) result[name] = own === undefined ? member : filled(own, member);
  }
  for (const [name, own] of Object.entries(properties)) {
    if (own.default !== undefined && result[name] === undefined) result[name] = structuredClone(own.default);
  }
  return result;
}
