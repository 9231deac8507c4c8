import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { assert } from '../core/assert.ts';
import type { KubeObject } from '../kube/object.ts';

const root = join(import.meta.dirname, '../..');

interface Kustomization {
  resources: string[];
  patches?: { target: { kind: string; name: string }; patch: string }[];
}

/** An object of `deploy/`, and the file that it stands in, from the root of the project. */
export interface Deployed {
  file: string;
  object: KubeObject;
}

/** What `kubectl apply -k deploy/<program>` applies, but for the names of images. Of kustomize it knows what those folders use. */
export function deployed(program: 'hub' | 'spoke'): Deployed[] {
  return kustomized(join(root, 'deploy', program));
}

function kustomized(folder: string): Deployed[] {
  const { resources, patches = [] } = parse(read(folder, 'kustomization.yaml')) as Kustomization;
  const all = resources.flatMap((name): Deployed[] => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return kustomized(path);
    const file = relative(root, path);
    return parseAllDocuments(read(folder, name)).map((document) => {
      const [problem] = document.errors;
      if (problem !== undefined) throw problem;
      return { file, object: document.toJS() as KubeObject };
    });
  });
  return all.filter(({ object }) => !patches.some((patch) => isDeleted(object, patch)));
}

function isDeleted({ kind, metadata }: KubeObject, { target, patch }: NonNullable<Kustomization['patches']>[number]) {
  assert((parse(patch) as { $patch?: string }).$patch === 'delete', 'deploy/ has no patches but those that delete');
  return kind === target.kind && new RegExp(`^(?:${target.name})$`).test(metadata.name);
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}
