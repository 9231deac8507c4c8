import { isRecord } from '../../../../shared/core/record.ts';
import { badRequest } from '../failures.ts';
import { childPath, memberSchema, type Schema } from '../schema/schema.ts';

/**
 * Reads, in place, an object as the Go types of a built-in kind do: null counts as absent, and a value of another type is
 * 400. Unknown members stay; `prune` is there for them.
 */
export function decodeTyped(
  object: Record<string, unknown>,
  schema: Schema,
  kind: { kind: string; version: string },
): void {
  const fault = decoded(object, schema, '');
  if (fault === undefined) return;
  const { kind: name, version } = kind;
  throw badRequest(`${name} in version "${version}" cannot be handled as a ${name}: ${fault}`);
}

function decoded(value: unknown, schema: Schema, path: string): string | undefined {
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return undefined;
  const fault = typeFault(value, schema, path);
  if (fault !== undefined) return fault;
  if (Array.isArray(value)) {
    for (const item of value) {
      const below = decoded(item, schema.items ?? {}, path);
      if (below !== undefined) return below;
    }
  } else if (isRecord(value)) {
    for (const [name, member] of Object.entries(value)) {
      const known = memberSchema(schema, name);
      if (known === undefined) continue;
      if (member === null && known['x-kubernetes-preserve-unknown-fields'] !== true) {
        if (schema.properties !== undefined) delete value[name];
        continue;
      }
      const below = decoded(member, known, childPath(path, name));
      if (below !== undefined) return below;
    }
  }
  return undefined;
}

const goTypes: Record<string, string> = { integer: 'int', number: 'float64', boolean: 'bool', string: 'string' };

function typeFault(value: unknown, schema: Schema, path: string): string | undefined {
  const given = Array.isArray(value) ? 'array' : typeof value;
  if (schema['x-kubernetes-int-or-string'] === true) {
    return given === 'number' || given === 'string' ? undefined : unreadable(given, path, 'intstr.IntOrString');
  }
  const { type } = schema;
  if (type === undefined) return undefined;
  const wanted = type === 'integer' ? 'number' : type;
  if (given !== wanted) return unreadable(given, path, goTypes[type] ?? (type === 'array' ? '[]string' : 'map'));
  if (schema.format === 'byte' && !base64.test(String(value))) return 'illegal base64 data at input byte 0';
  return undefined;
}

const base64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function unreadable(given: string, path: string, wanted: string): string {
  const shown = given === 'boolean' ? 'bool' : given;
  return `json: cannot unmarshal ${shown} into Go struct field ${path} of type ${wanted}`;
}
