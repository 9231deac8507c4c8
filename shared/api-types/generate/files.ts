import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedFolders, outputs } from './outputs.ts';

/** What is wrong with a generated file; `unexpected` = nothing generates it any more. */
export interface StaleFile {
  path: string;
  problem: 'missing' | 'not current' | 'unexpected';
}

/** Compares the generated files under `root` with what the schemas say now. */
export function staleFiles(root: string): StaleFile[] {
  const wanted = outputs();
  const stale = [...wanted].flatMap(([path, text]): StaleFile[] => {
    if (!existsSync(join(root, path))) return [{ path, problem: 'missing' }];
    return readFileSync(join(root, path), 'utf8') === text ? [] : [{ path, problem: 'not current' }];
  });
  const unexpected = generatedFolders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
    .filter((path) => !wanted.has(path))
    .map((path): StaleFile => ({ path, problem: 'unexpected' }));
  return [...stale, ...unexpected];
}

/** Makes the generated files under `root` current and returns what it changed. */
export function writeFiles(root: string): StaleFile[] {
  const wanted = outputs();
  const stale = staleFiles(root);
  for (const { path } of stale) {
    const text = wanted.get(path);
    if (text === undefined) rmSync(join(root, path), { recursive: true });
    else {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  }
  return stale;
}
