import type { ManagedClusterModuleSpec, ModuleSpec } from '@open-cluster-management/api-types';
import { type Fleet, pullSecret, spokeNamespace } from '../world/fleet/fleet.ts';
import type { SpokeSpec } from '../world/fleet/spoke-cluster.ts';
import { worldPlatform } from '../world/registry/oci-image.ts';

/** Five kernels: RHEL- and Debian-style ones, and one whose release ends in `+`. */
export const kernels = {
  el9: '5.14.0-427.13.1.el9_4.x86_64',
  el9Next: '5.14.0-503.11.1.el9_5.x86_64',
  // Of this machine's architecture: an image is built on it, never emulated.
  debian: `6.1.0-28-${worldPlatform.architecture}`,
  debianNext: '6.12.48-amd64',
  custom: '6.6.30-edge+',
} as const;

/** Short: the hub calls a cluster unknown after five of them. */
const leaseDurationSeconds = 1;

/**
 * Three clusters, nine nodes. The network driver is for tier `edge`, the accelerator's for every cluster that has one, the
 * sample for every cluster with the kernel `debian`: another than in `kernels` where headers are there for that.
 */
export function spokesWith(debian: string): readonly SpokeSpec[] {
  return [
    {
      name: 'edge-1',
      labels: { tier: 'edge', debian: 'yes' },
      leaseDurationSeconds,
      nodes: nodesOf({ 'edge-1-a': kernels.el9, 'edge-1-b': debian }),
    },
    {
      name: 'edge-2',
      labels: { tier: 'edge', accelerator: 'yes' },
      leaseDurationSeconds,
      nodes: nodesOf({ 'edge-2-a': kernels.custom }),
    },
    {
      name: 'core-1',
      labels: { tier: 'core', accelerator: 'yes', debian: 'yes' },
      leaseDurationSeconds,
      nodes: nodesOf({
        'core-1-a': debian,
        'core-1-b': debian,
        'core-1-c': kernels.debianNext,
        'core-1-d': kernels.debianNext,
        'core-1-e': kernels.debianNext,
        'core-1-f': kernels.debianNext,
      }),
    },
  ];
}

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

/** The driver of `deploy/samples`: nobody has pushed its image, so the hub makes it. */
export const sample = {
  name: 'kmm-sample',
  kernelModule: 'kmm_sample',
  repository: 'drivers/kmm-sample',
  dockerfile: 'kmm-sample-dockerfile',
  key: 'signing-key',
  certificate: 'signing-certificate',
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

/** For one kernel; the others of its clusters have no mapping and are left alone. */
export function sampleSpec(fleet: Fleet, kernel: string, buildArgs: Readonly<Record<string, string>>) {
  const { kernelModule, repository, dockerfile, key, certificate } = sample;
  const { moduleLoader, ...module } = moduleSpec(fleet, repository, { moduleName: kernelModule, dirName: '/opt' });
  const container: Container = {
    ...moduleLoader.container,
    kernelMappings: moduleLoader.container.kernelMappings.map(({ containerImage }) => ({
      literal: kernel,
      containerImage,
    })),
    build: {
      dockerfileConfigMap: { name: dockerfile },
      buildArgs: Object.entries(buildArgs).map(([name, value]) => ({ name, value })),
    },
    sign: {
      keySecret: { name: key },
      certSecret: { name: certificate },
      filesToSign: [`/opt/lib/modules/\${KERNEL_FULL_VERSION}/${kernelModule}*.ko`],
    },
  };
  return specOf({ debian: 'yes' }, { ...module, moduleLoader: { container } });
}

function specOf(selector: Record<string, string>, module: ModuleSpec): ManagedClusterModuleSpec {
  return { selector, spokeNamespace, moduleSpec: module };
}

type Container = NonNullable<ModuleSpec['moduleLoader']>['container'];

function moduleSpec(fleet: Fleet, repository: string, modprobe: Container['modprobe']) {
  const containerImage = `${fleet.registry.host}/${repository}:\${KERNEL_FULL_VERSION}`;
  return {
    selector: { 'node-role.kubernetes.io/worker': '' },
    imageRepoSecret: { name: pullSecret },
    moduleLoader: { container: { modprobe, kernelMappings: [{ regexp: '^.+$', containerImage }] } },
  };
}
