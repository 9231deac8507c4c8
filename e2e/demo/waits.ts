import { type ManagedClusterModuleSpec, managedClusterModules } from '@open-cluster-management/api-types';
import { eventually } from '../world/eventually.ts';
import type { Fleet } from '../world/fleet/fleet.ts';
import { conditionOf, readModule } from '../world/fleet/observe.ts';

export async function apply(fleet: Fleet, name: string, spec: ManagedClusterModuleSpec): Promise<void> {
  const apiVersion = 'hub.kmm.sigs.x-k8s.io/v1beta1';
  await fleet.hub.client.create(managedClusterModules, {
    apiVersion,
    kind: 'ManagedClusterModule',
    metadata: { name },
    spec,
  });
}

/** `Ready` is True, and of the present version of the object. */
export async function ready(fleet: Fleet, name: string): Promise<void> {
  await eventually(`Ready of ${name} is True`, async () => {
    const object = await readModule(fleet, name);
    const seen = conditionOf(object, 'Ready');
    if (seen.startsWith('True ') && object?.status?.observedGeneration === object?.metadata.generation) return true;
    throw new Error(seen);
  });
}

export async function loaded(fleet: Fleet, kernelModule: string, clusters: readonly string[]): Promise<void> {
  for (const name of clusters) {
    for (const node of fleet.spoke(name).nodes) {
      await eventually(`${kernelModule} is in the kernel of ${node.name}`, () => node.kernel.isLoaded(kernelModule));
    }
  }
}
