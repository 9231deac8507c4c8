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

/** Every kind of the API server whose objects can be listed and deleted, in its preferred version. */
export async function servedKinds(kubeconfig: string): Promise<Resource<KubeObject>[]> {
  const raw = rawClient(kubeconfig);
  const { body } = await raw.call('GET', '/apis');
  const groups = body['groups'] as { preferredVersion: { groupVersion: string } }[];
  const places = ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
  const lists = await Promise.all(places.map((place) => raw.call('GET', place)));
  await raw.close();
  return lists.flatMap(({ body: list }) => kindsOf(list as unknown as ResourceList));
}

function kindsOf({ groupVersion, resources = [] }: ResourceList): Resource<KubeObject>[] {
  const [version = '', group = ''] = groupVersion.split('/').reverse();
  return resources
    .filter(({ name, verbs }) => !name.includes('/') && verbs.includes('list') && verbs.includes('delete'))
    .map(({ name, kind, namespaced }) => ({ group, version, kind, plural: name, namespaced }));
}
