import type { Schema } from '../world/api-server/schema/schema.ts';

/** A place where a text may stand in an object: a value, or the key of a map. */
export interface Place {
  /** From the root: names of members, `[]` for an item of a list, `{}` for an entry of a map. */
  readonly steps: readonly string[];
  /** `{}` as the last step means the entry's key. */
  readonly isKey: boolean;
}

/** The field as messages name it, with the first item of lists and the entry `a` of maps; of a key the map that has it. */
export function fieldOf({ steps, isKey }: Place): string {
  const named = isKey ? steps.slice(0, -1) : steps;
  return named
    .map((step) => (step === '[]' ? '[0]' : step === '{}' ? '.a' : `.${step}`))
    .join('')
    .slice(1);
}

/** Every text leaf and every map key that `schema` has, whatever the kind: a field that is new is found by itself. */
export function placesOf(schema: Schema, steps: readonly string[] = []): Place[] {
  const { type, properties = {}, items, additionalProperties } = schema;
  if (schema['x-kubernetes-int-or-string'] || type === 'string') return [{ steps, isKey: false }];
  const places = Object.entries(properties).flatMap(([name, member]) => placesOf(member, [...steps, name]));
  if (items !== undefined) places.push(...placesOf(items, [...steps, '[]']));
  if (typeof additionalProperties === 'object') {
    places.push({ steps: [...steps, '{}'], isKey: true }, ...placesOf(additionalProperties, [...steps, '{}']));
  }
  // Anything may stand there: a key with a text stands for all of it.
  if (schema['x-kubernetes-preserve-unknown-fields'] && type === 'object') {
    places.push({ steps: [...steps, '{}'], isKey: true }, { steps: [...steps, '{}'], isKey: false });
  }
  return places;
}

type Fields = Record<string, unknown>;

/**
 * Puts `text` at `place` of `object`, which changes. What is missing on the way is made as `schema` wants it, and nothing
 * more. A key is set as JSON sets it: `__proto__` is a member like any other.
 */
export function plant(object: Fields, schema: Schema, place: Place, text: string): void {
  let at: unknown = object;
  let shape = schema;
  for (const [index, step] of place.steps.entries()) {
    const isLast = index === place.steps.length - 1;
    const below = childSchema(shape, step);
    const key = step === '[]' ? '0' : step === '{}' ? (isLast && place.isKey ? text : 'a') : step;
    const parent = at as Fields;
    const own = Object.hasOwn(parent, key) ? parent[key] : undefined;
    const value = isLast && !place.isKey ? text : (own ?? least(below, step));
    if (Array.isArray(parent)) parent[0] = value;
    else define(parent, key, value);
    at = value;
    shape = below;
  }
}

function define(parent: Fields, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function childSchema(schema: Schema, step: string): Schema {
  if (step === '[]') return schema.items ?? {};
  if (step !== '{}') return schema.properties?.[step] ?? {};
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : { type: 'string' };
}

/** The least that stands for a value of `schema`; `name` is the member that it is for. */
function least(schema: Schema, name: string): unknown {
  if (schema.default !== undefined) return structuredClone(schema.default);
  if (schema['x-kubernetes-int-or-string']) return 1;
  switch (schema.type) {
    case 'string':
      return schema.enum?.[0] ?? (name === 'path' ? '/dev/a' : 'a');
    case 'boolean':
      return false;
    case 'integer':
      return Math.max(1, schema.minimum ?? 1);
    case 'array':
      return Array.from({ length: Math.max(0, schema.minItems ?? 0) }, () => least(schema.items ?? {}, '[]'));
    default:
      return Object.fromEntries(
        (schema.required ?? []).map((field) => [field, least(schema.properties?.[field] ?? {}, field)]),
      );
  }
}
