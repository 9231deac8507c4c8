import type { z } from 'zod';
import { problemOf, yamlValue } from './config.ts';

export interface LenientConfig<C> {
  config: C;
  /** One a line, each with its field; empty: everything holds as it was said. */
  problems: readonly string[];
  /** What the text says as it is, undefined without YAML: for who must know whether a default may stand for something stricter. */
  said: unknown;
}

/** Each round takes back at least one key; a configuration has fewer. */
const roundsMax = 100;

/**
 * Reads a configuration so that a program can always run: no YAML means all defaults, and a key that is unknown or wrong
 * its own default, while the rest holds (checklist 195). Never throws for what the text says.
 */
export function readConfigLeniently<C>(schema: z.ZodType<C>, text: string): LenientConfig<C> {
  const { value = {}, problem } = yamlValue(text);
  const problems = problem === undefined ? [] : [`${problem}; all defaults hold`];
  const said: unknown = problem === undefined ? value : undefined;
  let document: unknown = structuredClone(value);
  for (let round = 0; round < roundsMax; round++) {
    const parsed = schema.safeParse(document);
    if (parsed.success) return { config: parsed.data, problems, said };
    for (const issue of parsed.error.issues) {
      problems.push(`${problemOf(issue)}; ${consequence(issue)}`);
      document = without(document, keysOf(issue));
    }
  }
  return { config: schema.parse({}), problems: [...problems, 'too many problems: all defaults hold'], said };
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** The places that an issue is about. */
function keysOf({ path, ...issue }: Issue): Path[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => [...path, key]);
  const resets: unknown = issue.code === 'custom' ? issue.params?.['resets'] : undefined;
  return Array.isArray(resets) ? resets.map((key: string) => [...path, key]) : [path];
}

function consequence(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') return 'it is ignored';
  const keys = keysOf(issue).map((path) => path.join('.'));
  return keys[0] === '' ? 'all defaults hold' : `the default of ${keys.join(', ')} holds`;
}

/** `document` without what stands at the paths. A path that leads nowhere empties its nearest parent, so that every round gets on. */
function without(document: unknown, paths: readonly Path[]): unknown {
  for (const path of paths) {
    if (path.length === 0) return {};
    const [key, parent] = [path.at(-1) as string, at(document, path.slice(0, -1))];
    if (!isMapping(parent)) return without(document, [path.slice(0, -1)]);
    delete parent[key];
  }
  return document;
}

function at(document: unknown, path: Path): unknown {
  return path.reduce((value: unknown, key) => (isMapping(value) ? value[key as string] : undefined), document);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
