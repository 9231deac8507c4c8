import type { KubeObject, Resource } from '../../../shared/kube/object.ts';
import { rawClient } from '../api-server/raw-client.ts';

interface ResourceList {
  readonly groupVersion: string;
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

/** Every kind of the API server whose objects can be listed and deleted, once. A kind need not be in its group's preferred version. */
export async function servedKinds(kubeconfig: string): Promise<Resource<KubeObject>[]> {
  // One for each of thirty lists would cost more than the lists.
  const raw = rawClient(kubeconfig, { connections: 3 });
  const { body } = await raw.call('GET', '/apis');
  const groups = body['groups'] as { versions: { groupVersion: string }[] }[];
  const versions = groups.flatMap((group) => group.versions);
  const places = ['/api/v1', ...versions.map(({ groupVersion }) => `/apis/${groupVersion}`)];
  const lists = await Promise.all(places.map((place) => raw.call('GET', place)));
  await raw.close();
  const kinds = lists.flatMap(({ body: list }) => kindsOf(list as unknown as ResourceList));
  return [...new Map(kinds.map((kind) => [`${kind.plural}.${kind.group}`, kind])).values()];
}

function kindsOf({ groupVersion = '', resources = [] }: Partial<ResourceList>): Resource<KubeObject>[] {
  const [version = '', group = ''] = groupVersion.split('/').reverse();
  return resources
    .filter(({ name, verbs }) => !name.includes('/') && verbs.includes('list') && verbs.includes('delete'))
    .map(({ name, kind, namespaced }) => ({ group, version, kind, plural: name, namespaced }));
}
