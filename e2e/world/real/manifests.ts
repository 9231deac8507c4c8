import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../shared/kube/object.ts';

/** Any object of a manifest, as YAML has it. */
export type Manifest = KubeObject & Record<string, unknown>;

const repository = join(import.meta.dirname, '../../..');

/** Every object of the YAML files in a folder of this repository, in the order of the files' names; without kustomize's own files. */
export function manifestsIn(folder: string): Manifest[] {
  const names = readdirSync(join(repository, folder)).filter((name) => name.endsWith('.yaml'));
  return names
    .filter((name) => name !== 'kustomization.yaml')
    .sort()
    .flatMap((name) => parseAllDocuments(readFileSync(join(repository, folder, name), 'utf8')))
    .map((document) => document.toJS() as Manifest);
}
