import { Environment } from '@marcbachmann/cel-js';
import { Ajv } from 'ajv';
import type { StructuralSchema } from './structural.ts';

/** Checks of objects against structural schemas for tests: what an API server would say, by other people's code. */

/** Gives what the schema itself (types, bounds, required fields) refuses: `path: why`. */
export function schemaChecker(schema: StructuralSchema): (value: unknown) => string[] {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema);
  return (value) => {
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => `${error.instancePath}: ${error.message}`);
  };
}

const environment = new Environment({ unlistedVariablesAreDyn: true });

/** Messages of the CEL rules that `value` breaks; with `old` also of those about changes. */
export function brokenRules(schema: StructuralSchema, value: unknown, old?: unknown): string[] {
  if (value === undefined || value === null) return [];
  const own = (schema['x-kubernetes-validations'] ?? []).filter(({ rule }) => {
    const isTransition = rule.includes('oldSelf');
    if (isTransition && old === undefined) return false;
    return environment.evaluate(rule, isTransition ? { self: value, oldSelf: old } : { self: value }) !== true;
  });
  return [...own.map((rule) => rule.message), ...brokenBelow(schema, value, old)];
}

function brokenBelow(schema: StructuralSchema, value: unknown, old: unknown): string[] {
  const { items, properties } = schema;
  // Items of a list that is replaced as a whole have no past.
  if (Array.isArray(value)) return items === undefined ? [] : value.flatMap((item) => brokenRules(items, item));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const before = (old as Record<string, unknown> | undefined)?.[name];
    const below = properties?.[name] ?? schema.additionalProperties;
    return below === undefined ? [] : brokenRules(below, member, before);
  });
}
