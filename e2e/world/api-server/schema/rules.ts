import { isRecord } from '../../../../shared/core/record.ts';
import type { Cause } from '../failures.ts';
import { forbiddenField, invalidValue, required } from '../field-causes.ts';
import { type CelProgram, celNames, celValue, compileCel } from './cel.ts';
import { childPath, type Rule, type Schema } from './schema.ts';
import { identityOf } from './validate.ts';

interface CompiledRule {
  rule: Rule;
  program: CelProgram;
  messageProgram: CelProgram | undefined;
  /** Rules that read `oldSelf` are about a change: without an old value they do not apply. */
  isTransition: boolean;
}

/** The CEL rules of a schema, parsed once. */
export class Rules {
  readonly #compiled = new Map<Schema, readonly CompiledRule[]>();
  /** Schemas that hold a rule somewhere below: everything else is skipped. */
  readonly #ruled = new Set<Schema>();
  readonly #root: Schema;

  /** Throws for a rule that does not parse. */
  constructor(root: Schema) {
    this.#root = root;
    this.#compile(root);
  }

  causes(value: unknown, previous: unknown): Cause[] {
    return this.#check({ schema: this.#root, value, previous, path: '' });
  }

  #compile(schema: Schema): boolean {
    const rules = schema['x-kubernetes-validations'] ?? [];
    if (rules.length > 0) this.#compiled.set(schema, rules.map(compileRule));
    const below = childSchemas(schema).map((child) => this.#compile(child));
    const ruled = rules.length > 0 || below.includes(true);
    if (ruled) this.#ruled.add(schema);
    return ruled;
  }

  #check(at: { schema: Schema; value: unknown; previous: unknown; path: string }): Cause[] {
    const { schema, value, previous, path } = at;
    if (!this.#ruled.has(schema) || value === undefined || value === null) return [];
    const causes = (this.#compiled.get(schema) ?? []).flatMap((rule) => ruleCauses(rule, at));
    if (Array.isArray(value)) {
      const { items } = schema;
      if (items === undefined) return causes;
      const before = previousItems(schema, previous);
      for (const [index, item] of value.entries()) {
        const child = { schema: items, value: item, previous: before(item), path: `${path}[${index}]` };
        causes.push(...this.#check(child));
      }
    } else if (isRecord(value)) {
      for (const [name, member] of Object.entries(value)) {
        const child = schema.properties?.[name] ?? schema.additionalProperties;
        if (typeof child !== 'object') continue;
        const before = isRecord(previous) ? previous[name] : undefined;
        causes.push(...this.#check({ schema: child, value: member, previous: before, path: childPath(path, name) }));
      }
    }
    return causes;
  }
}

function childSchemas(schema: Schema): Schema[] {
  const children = Object.values(schema.properties ?? {});
  if (schema.items) children.push(schema.items);
  if (typeof schema.additionalProperties === 'object') children.push(schema.additionalProperties);
  return children;
}

function compileRule(rule: Rule): CompiledRule {
  return {
    rule,
    program: compileCel(rule.rule, 'bool'),
    messageProgram: rule.messageExpression === undefined ? undefined : compileCel(rule.messageExpression, 'string'),
    isTransition: celNames(rule.rule).has('oldSelf'),
  };
}

/** Items of a map-type list are the same by their keys; items of other lists have no past. */
function previousItems(schema: Schema, previous: unknown): (item: unknown) => unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(previous)) return () => undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const identity = (item: unknown) => JSON.stringify(isRecord(item) ? identityOf(item, keys) : item);
  const byIdentity = new Map(previous.map((item) => [identity(item), item]));
  return (item) => byIdentity.get(identity(item));
}

function ruleCauses(
  compiled: CompiledRule,
  at: { schema: Schema; value: unknown; previous: unknown; path: string },
): Cause[] {
  const { rule, program, isTransition } = compiled;
  const { schema, value, previous, path } = at;
  if (isTransition && previous === undefined && rule.optionalOldSelf !== true) return [];
  const variables = {
    self: celValue(value, schema),
    ...(isTransition && previous !== undefined && { oldSelf: celValue(previous, schema) }),
  };
  const verdict = program(variables);
  if (verdict.value === true) return [];
  if (verdict.error !== undefined) {
    const text = `${verdict.error} evaluating rule: ${rule.message ?? rule.rule}`;
    return [failed(rule, { path, schema, text })];
  }
  const expressed = compiled.messageProgram?.(variables).value;
  const text =
    typeof expressed === 'string' && expressed !== '' ? expressed : (rule.message ?? `failed rule: ${rule.rule}`);
  return [failed(rule, { path, schema, text })];
}

function failed(rule: Rule, at: { path: string; schema: Schema; text: string }): Cause {
  const path = rule.fieldPath === undefined ? at.path : childPath(at.path, rule.fieldPath.replace(/^\./, ''));
  const field = path === '' ? '<nil>' : path;
  const { text } = at;
  if (rule.reason === 'FieldValueForbidden') return forbiddenField(field, text);
  if (rule.reason === 'FieldValueRequired') return required(field, text);
  const value = at.schema.type ?? 'object';
  const cause = invalidValue(field, value, text);
  return rule.reason === 'FieldValueDuplicate' ? { ...cause, reason: 'FieldValueDuplicate' } : cause;
}
