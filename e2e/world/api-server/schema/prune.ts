import { isRecord } from '../../../../shared/core/record.ts';
import { childPath, memberSchema, type Schema } from './schema.ts';

const resourceMembers = ['apiVersion', 'kind', 'metadata'];

/**
 * Drops, in place, every member that the schema does not name, and gives the paths of what was dropped. A resource keeps
 * apiVersion, kind and metadata: the root, and what is marked as an embedded one.
 */
export function prune(root: Record<string, unknown>, schema: Schema): string[] {
  const dropped: string[] = [];
  pruneRecord(root, { ...schema, 'x-kubernetes-embedded-resource': true }, { path: '', dropped });
  return dropped;
}

interface Place {
  path: string;
  dropped: string[];
}

function pruneValue(value: unknown, schema: Schema, at: Place): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [index, item] of value.entries()) pruneValue(item, items, { ...at, path: `${at.path}[${index}]` });
  } else if (isRecord(value)) {
    pruneRecord(value, schema, at);
  }
}

function pruneRecord(value: Record<string, unknown>, schema: Schema, at: Place): void {
  const isResource = schema['x-kubernetes-embedded-resource'] === true;
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  for (const [name, member] of Object.entries(value)) {
    if (isResource && resourceMembers.includes(name)) continue;
    const path = childPath(at.path, name);
    const known = memberSchema(schema, name);
    if (known !== undefined) {
      pruneValue(member, known, { ...at, path });
    } else if (!keepsUnknown) {
      delete value[name];
      at.dropped.push(path);
    }
  }
}
