import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../../shared/core/record.ts';
import type { Cause } from '../failures.ts';
import { duplicate, invalidValue, notSupported, required, tooLong, tooMany, wrongType } from '../field-causes.ts';
import { childPath, memberSchema, type Schema } from './schema.ts';

/** What of `value` the schema does not allow, CEL rules apart; in Kubernetes' words, with field paths. */
export function schemaCauses(value: unknown, schema: Schema, path = ''): Cause[] {
  if (value === null && schema.nullable === true) return [];
  const typed = typeCause(value, schema, path);
  if (typed !== undefined) return [typed];
  const causes = [...enumCauses(value, schema, path), ...combinedCauses(value, schema, path)];
  if (typeof value === 'string') causes.push(...textCauses(value, schema, path));
  if (typeof value === 'number') causes.push(...numberCauses(value, schema, path));
  if (Array.isArray(value)) causes.push(...listCauses(value, schema, path));
  if (isRecord(value)) causes.push(...recordCauses(value, schema, path));
  return causes;
}

/** How messages name a field; the root has no name of its own. */
function inBody(path: string): string {
  return path === '' ? '<nil> in body' : `${path} in body`;
}

export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeCause(value: unknown, schema: Schema, path: string): Cause | undefined {
  const given = typeName(value);
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (given === 'integer' || given === 'string') return undefined;
    return wrongType(path, given, `${inBody(path)} must be of type integer,string: "${given}"`);
  }
  const { type } = schema;
  if (type === undefined || type === given || (type === 'number' && given === 'integer')) return undefined;
  return wrongType(path, given, `${inBody(path)} must be of type ${type}: "${given}"`);
}

function enumCauses(value: unknown, schema: Schema, path: string): Cause[] {
  if (schema.enum === undefined || schema.enum.some((allowed) => isDeepStrictEqual(allowed, value))) return [];
  return [notSupported(path, value, schema.enum)];
}

function combinedCauses(value: unknown, schema: Schema, path: string): Cause[] {
  const causes = (schema.allOf ?? []).flatMap((part) => schemaCauses(value, part, path));
  const holds = (part: Schema) => schemaCauses(value, part, path).length === 0;
  const invalid = (detail: string) => causes.push(invalidValue(path, value, `${inBody(path)} ${detail}`));
  if (schema.anyOf && !schema.anyOf.some(holds)) invalid('must validate at least one schema (anyOf)');
  if (schema.oneOf) {
    const count = schema.oneOf.filter(holds).length;
    if (count !== 1) {
      invalid(`must validate one and only one schema (oneOf). Found ${count === 0 ? 'none' : count} valid`);
    }
  }
  if (schema.not && holds(schema.not)) invalid('must not validate the schema (not)');
  return causes;
}

function textCauses(value: string, schema: Schema, path: string): Cause[] {
  const causes: Cause[] = [];
  const length = [...value].length;
  const invalid = (detail: string) => causes.push(invalidValue(path, value, `${inBody(path)} ${detail}`));
  if (schema.maxLength !== undefined && length > schema.maxLength) causes.push(tooLong(path, schema.maxLength));
  if (schema.minLength !== undefined && length < schema.minLength) {
    invalid(`should be at least ${schema.minLength} chars long`);
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) {
    invalid(`should match '${schema.pattern}'`);
  }
  const format = schema.format === undefined ? undefined : formats[schema.format];
  if (format && !format.test(value)) {
    causes.push(wrongType(path, value, `${inBody(path)} must be of type ${schema.format}: "${value}"`));
  }
  return causes;
}

/** Formats that Kubernetes checks and that our kinds use; unknown ones are ignored there too. */
const formats: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
  duration: /^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$|^0$/,
  byte: /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
};

function numberCauses(value: number, schema: Schema, path: string): Cause[] {
  const causes: Cause[] = [];
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema;
  const invalid = (detail: string) => causes.push(invalidValue(path, value, `${inBody(path)} ${detail}`));
  if (minimum !== undefined && (value < minimum || (exclusiveMinimum && value === minimum))) {
    invalid(`should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  }
  if (maximum !== undefined && (value > maximum || (exclusiveMaximum && value === maximum))) {
    invalid(`should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) invalid(`should be a multiple of ${multipleOf}`);
  if (format === 'int32' && (value < -(2 ** 31) || value >= 2 ** 31)) {
    invalid(`must be of type int32: "${value}"`);
  }
  return causes;
}

function listCauses(value: readonly unknown[], schema: Schema, path: string): Cause[] {
  const causes: Cause[] = [];
  const { minItems, maxItems, items } = schema;
  if (maxItems !== undefined && value.length > maxItems) causes.push(tooMany(path, value.length, maxItems));
  if (minItems !== undefined && value.length < minItems) {
    causes.push(invalidValue(path, value.length, `${inBody(path)} should have at least ${minItems} items`));
  }
  if (items !== undefined) {
    causes.push(...value.flatMap((item, index) => schemaCauses(item, items, `${path}[${index}]`)));
  }
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return causes;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const identity = type === 'map' && isRecord(item) ? identityOf(item, keys) : item;
    const text = JSON.stringify(identity);
    if (seen.has(text)) causes.push(duplicate(`${path}[${index}]`, identity));
    seen.add(text);
  }
  return causes;
}

/** What makes an item of a map-type list the same item; also how old and new items find each other. */
export function identityOf(item: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => item[key] !== undefined).map((key) => [key, item[key]]));
}

function recordCauses(value: Record<string, unknown>, schema: Schema, path: string): Cause[] {
  const causes: Cause[] = [];
  const names = Object.keys(value);
  for (const name of schema.required ?? []) {
    if (value[name] === undefined) causes.push(required(childPath(path, name)));
  }
  const { minProperties, maxProperties } = schema;
  if (maxProperties !== undefined && names.length > maxProperties) {
    causes.push(tooMany(path, names.length, maxProperties));
  }
  if (minProperties !== undefined && names.length < minProperties) {
    causes.push(invalidValue(path, names.length, `${inBody(path)} should have at least ${minProperties} properties`));
  }
  for (const name of names) {
    const member = memberSchema(schema, name);
    if (member !== undefined) causes.push(...schemaCauses(value[name], member, childPath(path, name)));
  }
  return causes;
}
