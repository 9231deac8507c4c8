import { badRequest } from '../failures.ts';
import type { ServedKind } from '../kinds/served-kind.ts';
import { type ApiObject, valueAt } from '../object.ts';
import type { Predicate } from './label-selector.ts';

const always = ['metadata.name', 'metadata.namespace'];

/** Parses `metadata.name=x,status.phase!=Running`; throws 400 for a field that the kind does not offer. */
export function parseFieldSelector(kind: ServedKind, text: string): Predicate | undefined {
  const terms = text.split(',').filter((part) => part.trim() !== '');
  if (terms.length === 0) return undefined;
  const requirements = terms.map((term) => parseTerm(kind, term));
  return (object) => requirements.every((holds) => holds(object));
}

function parseTerm(kind: ServedKind, term: string): Predicate {
  const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term.trim());
  if (!match) throw badRequest(`invalid field selector: ${JSON.stringify(term)}; expected field=value or field!=value`);
  const [, field = '', operator, value = ''] = match;
  if (!always.includes(field) && !kind.selectableFields.includes(field)) {
    throw badRequest(`field label not supported: ${field}`);
  }
  const path = field.split('.');
  const equal = (object: ApiObject) => textAt(object, path) === value;
  return operator === '!=' ? (object) => !equal(object) : equal;
}

/** Absent numbers and booleans never occur in the fields that kinds offer, so an absent field is the empty text. */
function textAt(object: ApiObject, path: readonly string[]): string {
  const value = valueAt(object, path);
  return value === undefined || value === null ? '' : String(value);
}
