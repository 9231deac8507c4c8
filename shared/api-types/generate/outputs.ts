import { crdFile, crdsKustomization, crdYaml } from './crd.ts';
import { ourKinds } from './kinds.ts';
import { referencePage } from './reference.ts';

/** Folders that hold nothing but generated files. */
export const generatedFolders = ['deploy/crds', 'docs/reference'] as const;

/** All generated files: path from the root of the project → text. Depends on the schemas only. */
export function outputs(): Map<string, string> {
  const files = ourKinds.flatMap((kind): [string, string][] => [
    [`deploy/crds/${crdFile(kind)}`, crdYaml(kind)],
    [`docs/reference/${kebabCase(kind.resource.kind)}.md`, referencePage(kind)],
  ]);
  files.push(['deploy/crds/kustomization.yaml', crdsKustomization(ourKinds)]);
  return new Map(files);
}

function kebabCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}
