import {
  type ManagedCluster,
  type ManagedClusterModule,
  type ManifestWork,
  managedClusterModules,
  managedClusters,
  manifestWorks,
} from '@open-cluster-management/api-types';
import type { KubeClient, ListOptions } from '../../shared/kube/client.ts';
import { isGone } from '../../shared/kube/errors.ts';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { ControllerRevision, KubeObject, Resource } from '../../shared/kube/object.ts';
import { controllerRevisions } from '../../shared/kube/resources.ts';
import { type ClusterView, slimCluster, viewCluster } from '../fleet/cluster.ts';
import { UsageError } from './failures.ts';
import { someOf } from './lines.ts';

/** As kubectl's chunks: bounds the size of an answer, and what is held before it is made small. */
const pageSize = 500;

type Selection = Pick<ListOptions, 'namespace' | 'labelSelector'>;

/** All objects in pages, each made small as it comes. A list whose next page is too old is begun again, once. */
export async function listAll<T extends KubeObject, Kept>(
  client: Pick<KubeClient, 'list'>,
  resource: Resource<T>,
  selection: Selection,
  keep: (object: T) => Kept,
): Promise<Kept[]> {
  try {
    return await pages(client, resource, selection, keep);
  } catch (error) {
    if (!isGone(error)) throw error;
    return pages(client, resource, selection, keep);
  }
}

async function pages<T extends KubeObject, Kept>(
  client: Pick<KubeClient, 'list'>,
  resource: Resource<T>,
  selection: Selection,
  keep: (object: T) => Kept,
): Promise<Kept[]> {
  const kept: Kept[] = [];
  let token: string | undefined;
  do {
    const page = await client.list(resource, { ...selection, limit: pageSize, continue: token });
    for (const object of page.items) kept.push(keep(object));
    token = page.metadata.continue || undefined;
  } while (token !== undefined);
  return kept;
}

/** The one of this name, or all of them. Throws `UsageError` for a name that is none. */
export async function readModules(client: KubeClient, name: string | undefined): Promise<ManagedClusterModule[]> {
  if (name === undefined) return listAll(client, managedClusterModules, {}, (module) => module);
  return [await readModule(client, name)];
}

export async function readModule(client: KubeClient, name: string): Promise<ManagedClusterModule> {
  const module = await client.get(managedClusterModules, { name });
  if (module !== undefined) return module;
  const { items } = await client.list(managedClusterModules, { limit: pageSize });
  const names = items.map(({ metadata }) => metadata.name);
  const present = names.length === 0 ? 'there is none at all' : `there are: ${someOf(names, 20)}`;
  throw new UsageError(`expected the name of a ManagedClusterModule, got ${JSON.stringify(name)}; ${present}`);
}

export async function readClusters(client: KubeClient): Promise<ClusterView[]> {
  return listAll(client, managedClusters, {}, (cluster: ManagedCluster) => viewCluster(slimCluster(cluster)));
}

/** Works of a module, or of all: labelled ones, made small. With `cluster` only those there, so a right there is enough. */
export async function readWorks(
  client: KubeClient,
  of: { module?: string | undefined; cluster?: string | undefined },
): Promise<ManifestWork[]> {
  return listAll(client, manifestWorks, { ...workSelection(of.module), namespace: of.cluster }, slimWork);
}

export function workSelection(module: string | undefined): { labelSelector: string } {
  const label = labels.managedClusterModule;
  return { labelSelector: module === undefined ? label : `${label}=${module}` };
}

/** What the commands read of a work; the managed fields and other people's annotations are most of it. */
export function slimWork(work: ManifestWork): ManifestWork {
  const {
    name,
    namespace,
    uid,
    resourceVersion,
    generation,
    labels: own,
    ownerReferences,
    deletionTimestamp,
  } = work.metadata;
  const noted = work.metadata.annotations ?? {};
  const kept = Object.entries(noted).filter(([key]) => keptAnnotations.has(key));
  return {
    apiVersion: work.apiVersion,
    kind: work.kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(generation !== undefined && { generation }),
      ...(own !== undefined && { labels: own }),
      ...(ownerReferences !== undefined && { ownerReferences }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      annotations: Object.fromEntries(kept),
    },
    // A work whose spec somebody emptied is still one.
    spec: {
      workload: work.spec?.workload ?? {},
      ...(work.spec?.deleteOption !== undefined && { deleteOption: work.spec.deleteOption }),
    },
    ...(work.status !== undefined && { status: work.status }),
  };
}

const keptAnnotations: ReadonlySet<string> = new Set([
  annotations.revision,
  annotations.state,
  annotations.updatedAt,
  annotations.startedAt,
  annotations.succeededAt,
  annotations.failedAt,
  annotations.adoptedSpec,
]);

/** The versions of a module that the hub keeps, the newest first. */
export async function readRevisions(
  client: KubeClient,
  namespace: string,
  module: ManagedClusterModule,
): Promise<ControllerRevision[]> {
  const selection = { ...workSelection(module.metadata.name), namespace };
  const found = await listAll(client, controllerRevisions, selection, (revision) => revision);
  const own = found.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === module.metadata.uid),
  );
  return own.sort((a, b) => b.revision - a.revision);
}
