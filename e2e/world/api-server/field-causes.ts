import type { Cause } from './failures.ts';

/** Kubernetes' field errors: each gives the cause with its wording. `detail` may be empty. */
export function required(field: string, detail = ''): Cause {
  return cause('FieldValueRequired', field, withDetail('Required value', detail));
}

export function forbiddenField(field: string, detail: string): Cause {
  return cause('FieldValueForbidden', field, withDetail('Forbidden', detail));
}

export function invalidValue(field: string, value: unknown, detail: string): Cause {
  return cause('FieldValueInvalid', field, withDetail(`Invalid value: ${shown(value)}`, detail));
}

export function wrongType(field: string, given: string, detail: string): Cause {
  return cause('FieldValueTypeInvalid', field, withDetail(`Invalid value: ${shown(given)}`, detail));
}

export function notSupported(field: string, value: unknown, supported: readonly unknown[]): Cause {
  const list = supported.map(shown).join(', ');
  return cause('FieldValueNotSupported', field, `Unsupported value: ${shown(value)}: supported values: ${list}`);
}

export function duplicate(field: string, value: unknown): Cause {
  return cause('FieldValueDuplicate', field, `Duplicate value: ${shown(value)}`);
}

export function tooLong(field: string, bytesMax: number): Cause {
  return cause('FieldValueTooLong', field, `Too long: may not be more than ${bytesMax} bytes`);
}

export function tooMany(field: string, count: number, countMax: number): Cause {
  return cause('FieldValueTooMany', field, `Too many: ${count}: must have at most ${countMax} items`);
}

function cause(reason: string, field: string, message: string): Cause {
  return { reason, message, field };
}

function withDetail(text: string, detail: string): string {
  return detail === '' ? text : `${text}: ${detail}`;
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}
