import type { KubeClient } from '../../../shared/kube/client.ts';
import { apiVersion, type KubeObject, type Resource } from '../../../shared/kube/object.ts';
import { configMaps, daemonSets, namespaces, resource, secrets } from '../../../shared/kube/resources.ts';
import { definitions } from '../api-server/definitions.ts';

/** An object of any kind. */
export type AnyObject = KubeObject & Record<string, unknown>;

/** The spec of a CustomResourceDefinition, as far as one must know it to reach its objects. */
export interface CustomSpec {
  group: string;
  scope: 'Namespaced' | 'Cluster';
  names: { kind: string; plural: string };
  versions: { name: string; served: boolean }[];
}

const builtIn: readonly Resource<KubeObject>[] = [namespaces, configMaps, secrets, daemonSets];

/** How the API server serves `kind`; undefined when it does not know it. Asked each time: kinds come and go. */
export async function servedResource(
  client: KubeClient,
  manifest: { apiVersion: string; kind: string },
): Promise<Resource<AnyObject> | undefined> {
  const known = builtIn.find(
    (candidate) => candidate.kind === manifest.kind && apiVersion(candidate) === manifest.apiVersion,
  );
  if (known !== undefined) return known as Resource<AnyObject>;
  const { items } = await client.list(definitions);
  for (const item of items) {
    const spec = item.spec as CustomSpec;
    if (spec.names.kind !== manifest.kind) continue;
    const version = spec.versions.find(({ name, served }) => served && `${spec.group}/${name}` === manifest.apiVersion);
    if (version !== undefined) {
      return resource<AnyObject>(
        spec.group,
        version.name,
        manifest.kind,
        spec.names.plural,
        spec.scope === 'Namespaced',
      );
    }
  }
  return undefined;
}
