import { RE2JS } from 're2js';
import { errorMessage } from '../../../../shared/core/errors.ts';
import type { Cause } from '../failures.ts';
import { forbiddenField, invalidValue, required } from '../field-causes.ts';
import { compileCel } from './cel.ts';
import type { Schema } from './schema.ts';

/**
 * What keeps a schema from being structural, as far as kinds here could get it wrong: a CustomResourceDefinition that a
 * real API server refuses must not be accepted here.
 */
export function structuralCauses(schema: Schema, path: string): Cause[] {
  const causes = [...typeCauses(schema, path), ...listCauses(schema, path), ...ruleCauses(schema, path)];
  if (schema.pattern !== undefined) causes.push(...patternCauses(schema.pattern, `${path}.pattern`));
  if (schema.properties !== undefined && schema.additionalProperties !== undefined) {
    causes.push(
      forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    );
  }
  for (const combined of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [index, part] of (schema[combined] ?? []).entries()) {
      causes.push(...combinedCauses(part, `${path}.${combined}[${index}]`));
    }
  }
  if (schema.not) causes.push(...combinedCauses(schema.not, `${path}.not`));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    causes.push(...structuralCauses(property, `${path}.properties[${name}]`));
  }
  if (schema.items) causes.push(...structuralCauses(schema.items, `${path}.items`));
  const { additionalProperties } = schema;
  if (typeof additionalProperties === 'object') {
    causes.push(...structuralCauses(additionalProperties, `${path}.additionalProperties`));
  }
  return causes;
}

function typeCauses(schema: Schema, path: string): Cause[] {
  const untyped =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.type === undefined && !untyped) {
    return [required(`${path}.type`, 'must not be empty for specified object fields')];
  }
  if (schema.type === 'array' && schema.items === undefined) {
    return [required(`${path}.items`, 'must be specified')];
  }
  return [];
}

/** The parts of allOf, anyOf, oneOf and not may only restrict, never describe. */
function combinedCauses(schema: Schema, path: string): Cause[] {
  const causes: Cause[] = [];
  for (const name of ['type', 'default', 'nullable', 'additionalProperties'] as const) {
    // The one pattern that is allowed: anyOf integer or string.
    if (name === 'type' && (schema.type === 'integer' || schema.type === 'string')) continue;
    if (schema[name] !== undefined) causes.push(forbiddenField(`${path}.${name}`, 'must be empty to be structural'));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    causes.push(...combinedCauses(property, `${path}.properties[${name}]`));
  }
  return causes;
}

function listCauses(schema: Schema, path: string): Cause[] {
  if (schema['x-kubernetes-list-type'] !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (keys.length === 0) {
    const detail = 'must not be empty if x-kubernetes-list-type is map';
    return [required(`${path}.x-kubernetes-list-map-keys`, detail)];
  }
  const items = schema.items ?? {};
  return keys.flatMap((key, index) => {
    const property = items.properties?.[key];
    const field = `${path}.x-kubernetes-list-map-keys[${index}]`;
    if (property === undefined) return [invalidValue(field, key, 'entries must all be names of item properties')];
    if (property.default !== undefined || items.required?.includes(key)) return [];
    const detail =
      'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
    return [required(`${path}.items.properties[${key}].default`, detail)];
  });
}

function ruleCauses(schema: Schema, path: string): Cause[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  return rules.flatMap((rule, index) => {
    const field = `${path}.x-kubernetes-validations[${index}]`;
    return [
      ...compileCauses(rule.rule, 'bool', `${field}.rule`),
      ...(rule.messageExpression ? compileCauses(rule.messageExpression, 'string', `${field}.messageExpression`) : []),
    ];
  });
}

function compileCauses(expression: string, wanted: 'bool' | 'string', field: string): Cause[] {
  try {
    compileCel(expression, wanted);
    return [];
  } catch (error) {
    return [invalidValue(field, expression, errorMessage(error))];
  }
}

function patternCauses(pattern: string, field: string): Cause[] {
  try {
    RE2JS.compile(pattern);
    return [];
  } catch (error) {
    return [invalidValue(field, pattern, `must be a valid regular expression, but isn't: ${errorMessage(error)}`)];
  }
}
