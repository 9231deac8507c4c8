import { isRecord } from '../../../../shared/core/record.ts';

type Step = (values: readonly unknown[]) => unknown[];

const member = /^\.((?:[^.[\]\\]|\\.)+)/;
const quotedMember = /^\['([^']*)'\]/;
const index = /^\[(\d+)\]/;
const everything = /^\[\*\]/;
const filter = /^\[\?\(@((?:\.[A-Za-z0-9_-]+)+)\s*==\s*(["'])(.*?)\2\)\]/;

/** The JSON paths that printer columns use: `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`. Throws for any other. */
export function parseJsonPath(text: string): (object: unknown) => unknown[] {
  const steps: Step[] = [];
  let rest = text;
  while (rest !== '') {
    const [step, length] = parseStep(rest, text);
    steps.push(step);
    rest = rest.slice(length);
  }
  return (object) => steps.reduce<unknown[]>((values, step) => step(values), [object]);
}

function parseStep(rest: string, whole: string): [Step, number] {
  const named = member.exec(rest) ?? quotedMember.exec(rest);
  if (named) return [membersNamed(named[1]!.replaceAll('\\', '')), named[0].length];
  const numbered = index.exec(rest);
  if (numbered)
    return [(values) => values.flatMap((value) => listOf(value).slice(...at(numbered[1]!))), numbered[0].length];
  const all = everything.exec(rest);
  if (all) return [(values) => values.flatMap(listOf), all[0].length];
  const filtered = filter.exec(rest);
  if (filtered) return [equalTo(filtered[1]!, filtered[3]!), filtered[0].length];
  throw new Error(`expected a JSON path of members, indexes and equality filters, got ${JSON.stringify(whole)}`);
}

function at(digits: string): [number, number] {
  return [Number(digits), Number(digits) + 1];
}

function membersNamed(name: string): Step {
  return (values) => values.flatMap((value) => (isRecord(value) && value[name] !== undefined ? [value[name]] : []));
}

function equalTo(path: string, wanted: string): Step {
  const read = parseJsonPath(path);
  return (values) => values.flatMap((value) => listOf(value).filter((entry) => String(read(entry)[0]) === wanted));
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
