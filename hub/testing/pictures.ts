import type { ManagedCluster, ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import type { ImageState } from '../../shared/images/checks.ts';
import { formatKernelClaims } from '../../shared/kernel/claims.ts';
import { type ClusterView, viewCluster } from '../fleet/cluster.ts';
import { readFeedback } from '../managed-cluster-module/feedback.ts';
import type { ClusterPicture, ModulePicture, PresentWork } from '../managed-cluster-module/picture.ts';
import { type Revision, revisionOf } from '../managed-cluster-module/revision.ts';
import { viewWork } from '../managed-cluster-module/work.ts';

/** Builders of what the hub decides over; each takes overrides. */
export const spokeNamespace = 'kmm-spoke';
/** As it stands in a spec: a variable of the API, not of JavaScript. */
export const variable = (name: string) => `\${${name}}`;
export const nowText = '2026-01-01T00:00:00Z';

/** Two kernel families, each with an image of its own. */
export function moduleSpec(overrides: Partial<ModuleSpec> = {}): ModuleSpec {
  return {
    selector: { 'node-role.kubernetes.io/worker': '' },
    moduleLoader: {
      container: {
        modprobe: { moduleName: 'kmm_ci_a' },
        kernelMappings: [
          { regexp: '^5\\.14\\.', containerImage: `quay.io/org/a:${variable('KERNEL_FULL_VERSION')}` },
          { regexp: '^6\\.1\\.', containerImage: `quay.io/org/b:${variable('KERNEL_FULL_VERSION')}` },
        ],
      },
    },
    ...overrides,
  } as ModuleSpec;
}

export function revision(name = 'm-1', spec: ModuleSpec = moduleSpec()): Revision {
  return revisionOf(name, spec, { name: 'm', namespace: spokeNamespace });
}

export function digest(of: string): string {
  return `sha256:${Buffer.from(of).toString('hex').padEnd(64, '0').slice(0, 64)}`;
}

/** Every image is there, with a digest made of its name, except those that are named. */
export function images(except: Readonly<Record<string, ImageState>> = {}): ModulePicture['images'] {
  return {
    imageCheck: 'Required',
    secretNamespace: 'kmm-hub',
    stateOf: (_, { image }) => except[image] ?? { state: 'Verified', digest: digest(image) },
  };
}

export function managedCluster(overrides: {
  name?: string;
  kernels?: readonly string[] | undefined;
  labels?: Record<string, string>;
  available?: 'True' | 'False' | 'Unknown';
  /** When `available` became so. */
  changed?: string;
}): ManagedCluster {
  const { name = 'c1', kernels, labels = {}, available = 'True', changed = nowText } = overrides;
  return {
    apiVersion: 'cluster.open-cluster-management.io/v1',
    kind: 'ManagedCluster',
    metadata: { name, labels, uid: `uid-${name}` },
    status: {
      conditions: [
        {
          type: 'ManagedClusterConditionAvailable',
          status: available,
          reason: 'ManagedClusterAvailable',
          message: '',
          lastTransitionTime: changed,
        },
      ],
      ...(kernels === undefined ? {} : { clusterClaims: formatKernelClaims(kernels) }),
    },
  };
}

export function cluster(overrides: Parameters<typeof managedCluster>[0] = {}): ClusterView {
  return viewCluster(managedCluster({ kernels: ['5.14.0-1'], ...overrides }));
}

export function modulePicture(overrides: Partial<ModulePicture> = {}): ModulePicture {
  return { name: 'm', spokeNamespace, current: revision(), hold: undefined, images: images(), ...overrides };
}

export function picture(overrides: Partial<ClusterPicture> = {}): ClusterPicture {
  return {
    module: modulePicture(),
    cluster: cluster(),
    selected: true,
    work: undefined,
    deferred: [],
    upcoming: [],
    mayStart: true,
    ending: {},
    nowText,
    ...overrides,
  };
}

/** What the hub would see of a work that it wrote. */
export function presentWork(work: ManifestWork, overrides: Partial<PresentWork> = {}): PresentWork {
  return {
    view: viewWork(work, spokeNamespace),
    ownership: 'ours',
    terminating: false,
    unconfirmed: false,
    feedback: readFeedback(work),
    revision: undefined,
    ...overrides,
  };
}

/** `work` with an answer of the work agent. */
export function answered(
  work: ManifestWork,
  values: Readonly<Record<string, string | number>>,
  overrides: { generation?: number; applied?: 'True' | 'False'; transition?: string; message?: string } = {},
): ManifestWork {
  const { generation = 1, applied = 'True', transition = nowText, message = '' } = overrides;
  const condition = {
    type: 'Applied',
    status: applied,
    reason: 'Any',
    message,
    observedGeneration: generation,
    lastTransitionTime: transition,
  } as const;
  return {
    ...work,
    metadata: { ...work.metadata, generation: work.metadata.generation ?? 1 },
    status: {
      conditions: [condition],
      resourceStatus: {
        manifests: [
          {
            resourceMeta: { ordinal: 0 },
            conditions: [condition],
            statusFeedback: {
              values: Object.entries(values).map(([name, value]) => ({
                name,
                fieldValue:
                  typeof value === 'number' ? { type: 'Integer', integer: value } : { type: 'String', string: value },
              })),
            },
          },
        ],
      },
    },
  };
}

/** A copy of `work` whose Module spec somebody edited by hand. */
export function edited(work: ManifestWork, edit: (spec: ModuleSpec) => void): ManifestWork {
  const copy = structuredClone(work);
  const manifest = copy.spec.workload?.manifests?.[0];
  if (manifest !== undefined) edit(manifest['spec'] as ModuleSpec);
  return copy;
}
