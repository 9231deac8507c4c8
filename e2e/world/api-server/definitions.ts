import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { KubeObject } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';
import { yamlDocuments } from '../../../shared/testing/yaml-files.ts';
import { createUnlessThere } from '../create-unless-there.ts';

export type Definition = KubeObject & { spec: unknown };

export const definitions = resource<Definition>(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  false,
);

/** Our own CustomResourceDefinitions, as an admin applies them. */
export function ourDefinitions(): Definition[] {
  const folder = join(import.meta.dirname, '../../../deploy/crds');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
  return files.sort().flatMap((name) => yamlDocuments(join(folder, name)) as Definition[]);
}

/** Posts each; one that is there already stays as it is. */
export async function applyDefinitions(client: KubeClient, wanted: readonly Definition[]): Promise<void> {
  await Promise.all(wanted.map((definition) => createUnlessThere(client, definitions, definition)));
}
