import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { frozen } from '../core/frozen.ts';

const read = new Map<string, readonly unknown[]>();

/**
 * The documents of a YAML file that nobody writes while tests run, read once: each plane of a test applies the same big ones.
 * Frozen, since all who ask get the same. Throws what `yaml` says of a file that is none.
 */
export function yamlDocuments(path: string): readonly unknown[] {
  const known = read.get(path);
  if (known !== undefined) return known;
  const documents = parseAllDocuments(readFileSync(path, 'utf8')).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    const value: unknown = document.toJS();
    // kubectl passes over an empty one, too.
    return value === null ? [] : [frozen(value)];
  });
  read.set(path, documents);
  return documents;
}
