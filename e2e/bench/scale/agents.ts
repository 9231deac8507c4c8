import { type ManifestWork, manifestWorks } from '@open-cluster-management/api-types';
import { rfc3339, systemClock } from '../../../shared/core/clock.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { annotations, labels } from '../../../shared/kube/names.ts';
import { withApplied, withAvailability } from '../../world/ocm/work-status.ts';

/** The works of a module, as the API server has them; `label` says which: the hub's, unless told otherwise. */
export async function worksOf(
  client: KubeClient,
  module: string,
  label: string = labels.managedClusterModule,
): Promise<ManifestWork[]> {
  const works: ManifestWork[] = [];
  const labelSelector = `${label}=${module}`;
  for (let token: string | undefined; ; ) {
    const page = await client.list(manifestWorks, { labelSelector, limit: 500, continue: token });
    works.push(...page.items);
    token = page.metadata.continue;
    if (!token) return works;
  }
}

/** What the work agent of a cluster writes once our spoke there has loaded the module on three nodes. */
export function loadedStatus(work: ManifestWork): ManifestWork['status'] {
  const nowText = rfc3339(systemClock.now());
  const manifest = (work.spec.workload?.manifests?.[0] ?? {}) as { spec?: unknown };
  const kernel = /"literal":"([^"]+)"/.exec(JSON.stringify(manifest.spec))?.[1] ?? '';
  const counts = { nodesMatchingSelectorNumber: 3, desiredNumber: 3, availableNumber: 3 };
  const status = {
    moduleLoader: counts,
    observedState: work.metadata.annotations?.[annotations.state],
    report: JSON.stringify({ v: 1, nodes: [3, 3, 0, 0], kernels: { [kernel]: [3, 3, 0, 0] } }),
  };
  const group = 'kmm.sigs.x-k8s.io';
  const { name } = work.metadata;
  const namespace = work.spec.manifestConfigs?.[0]?.resourceIdentifier.namespace ?? '';
  const meta = { ordinal: 0, group, version: 'v1beta1', kind: 'Module', resource: 'modules', name, namespace };
  const applied = withApplied({ work, nowText }, [{ meta }]);
  const object = { apiVersion: `${group}/v1beta1`, kind: 'Module', metadata: { name, namespace }, status };
  return withAvailability({ work: { ...work, status: applied }, nowText }, [{ kind: 'found', object }]);
}

export async function writeStatus(client: KubeClient, work: ManifestWork, status: ManifestWork['status']) {
  const at = { name: work.metadata.name, namespace: work.metadata.namespace };
  await client.patch(manifestWorks, at, { type: 'merge', body: { status } }, { subresource: 'status' });
}

/** The same feedback in a status that differs, so that every watch tells of it: the message of a condition has a number. */
export function resent(status: ManifestWork['status'], round: number): ManifestWork['status'] {
  const conditions = (status?.conditions ?? []).map((condition) =>
    condition.type === 'Available' ? { ...condition, message: `All resources are available (${round})` } : condition,
  );
  return { ...status, conditions };
}
