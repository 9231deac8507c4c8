import { isRecord } from '../../../../shared/core/record.ts';
import { valueAt } from '../object.ts';
import type { Column } from './column.ts';

/** A column of a built-in kind; the paths of numbers and texts speak for themselves. */
export function column(name: string, cell: Column['cell'], priority = 0): Column {
  return { name, type: 'string', description: '', priority, cell };
}

export function number(name: string, path: string): Column {
  const members = path.split('.');
  return { ...column(name, (object) => Number(valueAt(object, members) ?? 0)), type: 'integer' };
}

export function text(name: string, path: string, priority = 0): Column {
  const members = path.split('.');
  return column(name, (object) => textAt(object, members), priority);
}

export function textAt(object: unknown, path: readonly string[]): string {
  const value = valueAt(object, path);
  return value === undefined || value === '' || value === null ? '<none>' : String(value);
}

/** `a=b,c=d`, or `<none>`. */
export function pairs(value: unknown): string {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return entries.length === 0 ? '<none>' : entries.map(([key, each]) => `${key}=${each}`).join(',');
}

export function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function containers(member: string): Column['cell'] {
  return (object) =>
    list(valueAt(object, ['spec', 'template', 'spec', 'containers']))
      .map((each) => each[member])
      .join(',');
}
