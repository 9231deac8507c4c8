import { errorMessage } from '../../../../shared/core/errors.ts';
import { isRecord } from '../../../../shared/core/record.ts';
import { makeRuleEnvironment } from './cel-functions.ts';
import { memberSchema, type Schema } from './schema.ts';

/** Gives the value, or what kept it from being computed. */
export type CelProgram = (variables: Record<string, unknown>) => { value?: unknown; error?: string };

// Never changed after it is made; making it costs more than parsing a rule.
const environment = makeRuleEnvironment();

/** Throws when `expression` does not parse, or cannot give a `wanted`. */
export function compileCel(expression: string, wanted: 'bool' | 'string'): CelProgram {
  const checked = environment.check(expression);
  if (!checked.valid) throw new Error(`compilation failed: ${checked.error?.message ?? 'unknown error'}`);
  const type = String(checked.type);
  if (type !== wanted && type !== 'dyn') throw new Error(`must evaluate to ${wanted}, got ${type}`);
  const program = environment.parse(expression);
  return (variables) => {
    try {
      return { value: program(variables) };
    } catch (error) {
      return { error: errorMessage(error).split('\n')[0] ?? '' };
    }
  };
}

/** The identifiers in an expression, strings left out. */
export function celNames(expression: string): Set<string> {
  const withoutText = expression.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""');
  return new Set(withoutText.match(/[A-Za-z_]\w*/g) ?? []);
}

/**
 * A JSON value as CEL sees it through its schema: integers are ints, date-times timestamps, and member names that are no
 * identifiers are escaped as Kubernetes does it.
 */
export function celValue(value: unknown, schema: Schema | undefined): unknown {
  if (typeof value === 'number') {
    return Number.isInteger(value) && schema?.type !== 'number' ? BigInt(value) : value;
  }
  if (typeof value === 'string') return schema?.format === 'date-time' ? new Date(value) : value;
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema?.items));
  if (!isRecord(value)) return value;
  const members = Object.entries(value).map(([name, member]) => {
    const isProperty = schema?.properties !== undefined && Object.hasOwn(schema.properties, name);
    return [isProperty ? escaped(name) : name, celValue(member, schema && memberSchema(schema, name))];
  });
  return Object.fromEntries(members);
}

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

function escaped(name: string): string {
  if (reserved.has(name)) return `__${name}__`;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}
