import { badRequest } from '../failures.ts';
import type { ApiObject } from '../object.ts';

export type Predicate = (object: ApiObject) => boolean;

const key = '[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?';
const setPattern = new RegExp(String.raw`^(${key})\s+(in|notin)\s+\(([^()]*)\)$`);
const equalityPattern = new RegExp(String.raw`^(${key})\s*(==|=|!=)\s*([A-Za-z0-9._-]*)$`);
const existsPattern = new RegExp(String.raw`^(!?)\s*(${key})$`);

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k`; throws 400 for anything else. Undefined when it selects everything. */
export function parseLabelSelector(text: string): Predicate | undefined {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  if (requirements.length === 0) return undefined;
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return requirements.every((holds) => holds(labels));
  };
}

type Requirement = (labels: Record<string, string>) => boolean;

function parseRequirement(text: string): Requirement {
  const inSet = setPattern.exec(text);
  if (inSet) {
    const [, name = '', operator, list = ''] = inSet;
    const values = new Set(list.split(',').map((value) => value.trim()));
    // As in Kubernetes, `notin` and `!=` also select objects without the label.
    return operator === 'in'
      ? (labels) => labels[name] !== undefined && values.has(labels[name])
      : (labels) => labels[name] === undefined || !values.has(labels[name]);
  }
  const equality = equalityPattern.exec(text);
  if (equality) {
    const [, name = '', operator, value] = equality;
    return operator === '!=' ? (labels) => labels[name] !== value : (labels) => labels[name] === value;
  }
  const exists = existsPattern.exec(text);
  if (exists) {
    const [, not, name = ''] = exists;
    return not === '!' ? (labels) => labels[name] === undefined : (labels) => labels[name] !== undefined;
  }
  throw badRequest(`unable to parse requirement: ${JSON.stringify(text)} is not a label requirement`);
}

function splitOutsideParentheses(text: string): string[] {
  if (text.trim() === '') return [];
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}
