import { isRecord } from '../core/record.ts';
import { sameQuantity } from './quantity.ts';

/** Fields whose members, or that themselves, are resource quantities: the server writes them in its own form. */
const quantityFields = new Set(['limits', 'requests', 'capacity', 'hard', 'sizeLimit', 'divisor']);

/**
 * Whether every leaf of `wanted` is in `present` with an equal value. What only `present` has (server defaults, foreign
 * keys, list items of other names) is no difference; nor is an empty value that the server left out, a quantity in
 * another form, or a number written as text.
 */
export function holds(present: unknown, wanted: unknown): boolean {
  return holdsAt(present, wanted, false);
}

function holdsAt(present: unknown, wanted: unknown, quantity: boolean): boolean {
  if (isEmpty(wanted) && isEmpty(present)) return true;
  if (Array.isArray(wanted)) return Array.isArray(present) && listHolds(present, wanted);
  if (isRecord(wanted)) return isRecord(present) && recordHolds(present, wanted, quantity);
  return sameLeaf(present, wanted, quantity);
}

function recordHolds(present: Record<string, unknown>, wanted: Record<string, unknown>, quantity: boolean): boolean {
  return Object.entries(wanted).every(([key, value]) =>
    holdsAt(present[key], value, quantity || quantityFields.has(key)),
  );
}

/** Items with names are matched by name, so that what an admission webhook adds (a sidecar) is no difference; others by place. */
function listHolds(present: readonly unknown[], wanted: readonly unknown[]): boolean {
  if (wanted.every(isNamed) && present.every(isNamed)) {
    return wanted.every((item) => present.some((other) => other.name === item.name && holdsAt(other, item, false)));
  }
  return present.length === wanted.length && wanted.every((item, index) => holdsAt(present[index], item, false));
}

function sameLeaf(present: unknown, wanted: unknown, quantity: boolean): boolean {
  if (present === wanted) return true;
  if (!isScalar(present) || !isScalar(wanted)) return false;
  return String(present) === String(wanted) || (quantity && sameQuantity(present, wanted));
}

/** What `omitempty` leaves out. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.keys(value).length === 0;
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function isNamed(value: unknown): value is Record<string, unknown> & { name: string } {
  return isRecord(value) && typeof value['name'] === 'string';
}
