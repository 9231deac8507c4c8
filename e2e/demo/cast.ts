import type { ManagedClusterModuleSpec, ModuleSpec } from '@open-cluster-management/api-types';
import { type Fleet, pullSecret, spokeNamespace } from '../world/fleet/fleet.ts';
import type { SpokeSpec } from '../world/fleet/spoke-cluster.ts';

/** Five kernels: RHEL- and Debian-style ones, and one whose release ends in `+`. */
export const kernels = {
  el9: '5.14.0-427.13.1.el9_4.x86_64',
  el9Next: '5.14.0-503.11.1.el9_5.x86_64',
  debian: '6.1.0-28-amd64',
  debianNext: '6.12.48-amd64',
  custom: '6.6.30-edge+',
} as const;

/** Short: the hub calls a cluster unknown after five of them. */
const leaseDurationSeconds = 1;

/** Three clusters, nine nodes. The network driver is for tier `edge`, the accelerator's for every cluster that has one. */
export const spokes: readonly SpokeSpec[] = [
  {
    name: 'edge-1',
    labels: { tier: 'edge' },
    leaseDurationSeconds,
    nodes: nodesOf({ 'edge-1-a': kernels.el9, 'edge-1-b': kernels.debian }),
  },
  {
    name: 'edge-2',
    labels: { tier: 'edge', accelerator: 'yes' },
    leaseDurationSeconds,
    nodes: nodesOf({ 'edge-2-a': kernels.custom }),
  },
  {
    name: 'core-1',
    labels: { tier: 'core', accelerator: 'yes' },
    leaseDurationSeconds,
    nodes: nodesOf({
      'core-1-a': kernels.debian,
      'core-1-b': kernels.debian,
      'core-1-c': kernels.debianNext,
      'core-1-d': kernels.debianNext,
      'core-1-e': kernels.debianNext,
      'core-1-f': kernels.debianNext,
    }),
  },
];

function nodesOf(releases: Record<string, string>): SpokeSpec['nodes'] {
  return Object.entries(releases).map(([name, release]) => ({ name, kernel: { release } }));
}

/** A driver without anything beside it. */
export const network = {
  name: 'fictional-nic',
  kernelModule: 'fictional_nic',
  repository: 'drivers/fictional-nic',
} as const;
/** A driver of two modules, one to be loaded before the other, and with a device plugin. */
export const accelerator = {
  name: 'fictional-gpu',
  kernelModule: 'fictional_gpu',
  before: 'fictional_gpu_core',
  repository: 'drivers/fictional-gpu',
} as const;

export function networkSpec(fleet: Fleet, repository: string): ManagedClusterModuleSpec {
  return specOf({ tier: 'edge' }, moduleSpec(fleet, repository, { moduleName: network.kernelModule }));
}

export function acceleratorSpec(fleet: Fleet, plugin: string): ManagedClusterModuleSpec {
  const { kernelModule, before, repository } = accelerator;
  const modprobe = { moduleName: kernelModule, modulesLoadingOrder: [kernelModule, before] };
  const module = moduleSpec(fleet, repository, modprobe);
  return specOf({ accelerator: 'yes' }, { ...module, devicePlugin: { container: { image: plugin } } });
}

function specOf(selector: Record<string, string>, module: ModuleSpec): ManagedClusterModuleSpec {
  return { selector, spokeNamespace, moduleSpec: module };
}

type Modprobe = NonNullable<ModuleSpec['moduleLoader']>['container']['modprobe'];

function moduleSpec(fleet: Fleet, repository: string, modprobe: Modprobe): ModuleSpec {
  const containerImage = `${fleet.registry.host}/${repository}:\${KERNEL_FULL_VERSION}`;
  return {
    selector: { 'node-role.kubernetes.io/worker': '' },
    imageRepoSecret: { name: pullSecret },
    moduleLoader: { container: { modprobe, kernelMappings: [{ regexp: '^.+$', containerImage }] } },
  };
}
