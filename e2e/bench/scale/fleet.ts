import {
  type ManagedCluster,
  type ManagedClusterModule,
  managedClusterModules,
  managedClusters,
} from '@open-cluster-management/api-types';
import { managedCluster, moduleSpec, spokeNamespace, variable } from '../../../hub/testing/pictures.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import type { Registry } from '../../world/registry/server.ts';

/** All that the fleet runs; each cluster one of them. */
export const kernels = [
  '5.14.0-427.13.1.el9_4.x86_64',
  '5.14.0-427.40.1.el9_4.x86_64',
  '5.14.0-503.11.1.el9_5.x86_64',
  '5.14.0-570.12.1.el9_6.x86_64',
  '6.1.0-28-amd64',
  '6.1.0-31-amd64',
  '6.8.0-51-generic',
  '6.12.0-55.9.1.el10_0.x86_64',
] as const;

export const kernelAt = (index: number) => kernels[index % kernels.length] ?? kernels[0];
export const clusterName = (index: number) => `cluster-${String(index).padStart(5, '0')}`;
export const moduleName = (index: number) => `driver-${index + 1}`;

/** Claims that every cluster has beside its kernels, so that the objects are as large as real ones. */
const otherClaims = ['id', 'platform', 'product', 'version', 'region', 'hub', 'controlplanetopology'].map((name) => ({
  name: `${name}.open-cluster-management.io`,
  value: `${name}-of-a-cluster-with-a-value-of-a-usual-length`,
}));

export async function joinFleet(client: KubeClient, clusters: number): Promise<void> {
  await Promise.all(Array.from({ length: clusters }, (_, index) => join(client, index)));
}

async function join(client: KubeClient, index: number): Promise<void> {
  const name = clusterName(index);
  const { status, ...object } = clusterWith(name, kernelAt(index));
  const { uid: _, ...metadata } = object.metadata;
  await Promise.all([
    client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    client.create(managedClusters, { ...object, metadata }),
  ]);
  await client.patch(managedClusters, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
}

function clusterWith(name: string, kernel: string): ManagedCluster {
  const labels = { cloud: 'Other', vendor: 'Other', name, 'cluster.open-cluster-management.io/clusterset': 'default' };
  const cluster = managedCluster({ name, kernels: [kernel], labels });
  const claims = [...otherClaims, ...(cluster.status?.clusterClaims ?? [])];
  return { ...cluster, status: { ...cluster.status, clusterClaims: claims } };
}

/** Its nodes boot another kernel. */
export async function bootKernel(client: KubeClient, index: number, kernel: string): Promise<void> {
  const name = clusterName(index);
  const { status } = clusterWith(name, kernel);
  const body = { status: { clusterClaims: status?.clusterClaims } };
  await client.patch(managedClusters, { name }, { type: 'merge', body }, { subresource: 'status' });
}

/** An image for each kernel. */
export function pushVersion({ store }: Registry, module: string, version: string): void {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  for (const kernel of kernels) {
    const annotations = { of: `${module} ${version} ${kernel}` };
    const content = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, annotations, layers: [] }));
    store.putManifest(`drivers/${module}`, `${version}-${kernel}`, { mediaType, content });
  }
}

function specOf(module: string, version: string, host: string) {
  const containerImage = `${host}/drivers/${module}:${version}-${variable('KERNEL_FULL_VERSION')}`;
  const container = { modprobe: { moduleName: 'kmm_ci_a' }, kernelMappings: [{ regexp: '^.+$', containerImage }] };
  return moduleSpec({ moduleLoader: { container } } as Parameters<typeof moduleSpec>[0]);
}

export async function createModule(client: KubeClient, { name, host }: { name: string; host: string }): Promise<void> {
  await client.create(managedClusterModules, {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name },
    spec: { selector: {}, spokeNamespace, moduleSpec: specOf(name, 'v1', host) },
  } as ManagedClusterModule);
}

export async function moveModule(
  client: KubeClient,
  { name, host, version }: { name: string; host: string; version: string },
): Promise<void> {
  const body = { spec: { moduleSpec: specOf(name, version, host) } };
  await client.patch(managedClusterModules, { name }, { type: 'merge', body });
}
