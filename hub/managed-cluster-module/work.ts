import type { ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import { frozen } from '../../shared/core/frozen.ts';
import { lastingHash, rememberText } from '../../shared/core/hash.ts';
import { isRecord } from '../../shared/core/record.ts';
import { Alike } from '../../shared/kube/alike.ts';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { Ending } from './picture.ts';
import type { ShippedMapping } from './shipped-spec.ts';

/** Everything that a work says; equal intents give equal works, byte for byte (golden test). */
export interface WorkIntent {
  /** Name of the ManagedClusterModule, of the work, and of the Module on the spoke. */
  module: string;
  spokeNamespace: string;
  cluster: string;
  /** Name of the ControllerRevision that `spec` was made from. */
  revision: string;
  spec: ModuleSpec;
  /** RFC 3339: when this state was first wanted. */
  updatedAt: string;
  /** When the cluster got the revision; undefined: with this state. */
  startedAt?: string | undefined;
  ending?: Ending;
  /** Canonical JSON of the spec that upstream's hub had written, while its mappings are kept (contract 3). */
  adopted?: string | undefined;
}

/** What upstream's spoke reports, then what only ours does; a path that is not there gives no value and no error. */
const feedbackPaths: readonly (readonly [name: string, path: string])[] = [
  ...['devicePlugin', 'dra', 'moduleLoader'].flatMap((section) =>
    ['availableNumber', 'desiredNumber', 'nodesMatchingSelectorNumber'].map(
      (count) => [`${section}.${count}`, `.status.${section}.${count}`] as const,
    ),
  ),
  ['state', '.status.observedState'],
  ['report', '.status.report'],
];

const moduleApi = { group: 'kmm.sigs.x-k8s.io', version: 'v1beta1', kind: 'Module', plural: 'modules' } as const;

/** The label by which a work is known to be of this ManagedClusterModule. */
export function workLabel(module: string): Record<string, string> {
  return { [labels.managedClusterModule]: module };
}

/** Contract 3 and behaviour.md (e.3). The owner is set by the writer. */
export function buildWork(intent: WorkIntent): ManifestWork {
  const { module, spokeNamespace, cluster, updatedAt, startedAt } = intent;
  const state = lastingHash(intent.spec);
  return {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: {
      name: module,
      namespace: cluster,
      labels: workLabel(module),
      annotations: {
        [annotations.revision]: intent.revision,
        [annotations.state]: state,
        [annotations.updatedAt]: updatedAt,
        // Only where a kernel was added since.
        ...(startedAt === updatedAt || startedAt === undefined ? {} : { [annotations.startedAt]: startedAt }),
        ...endingNotes(intent.ending),
        ...(intent.adopted === undefined ? {} : { [annotations.adoptedSpec]: intent.adopted }),
      },
    },
    spec: workSpec(module, spokeNamespace, intent.spec),
  };
}

const specsKnown = new WeakMap<ModuleSpec, { of: string; spec: ManifestWork['spec'] }>();

/** The same for all clusters that get the same `spec` where that is frozen (`shippedSpec`); then this is, too. */
function workSpec(module: string, spokeNamespace: string, spec: ModuleSpec): ManifestWork['spec'] {
  const of = `${spokeNamespace}/${module}`;
  const known = specsKnown.get(spec);
  if (known?.of === of) return known.spec;
  const made = makeWorkSpec(module, spokeNamespace, spec);
  if (Object.isFrozen(spec)) specsKnown.set(spec, { of, spec: rememberText(frozen(made)) });
  return made;
}

function makeWorkSpec(module: string, spokeNamespace: string, spec: ModuleSpec): ManifestWork['spec'] {
  const metadata = {
    name: module,
    namespace: spokeNamespace,
    annotations: { [annotations.hubState]: lastingHash(spec) },
  };
  const { group, version, kind } = moduleApi;
  return {
    workload: { manifests: [{ apiVersion: `${group}/${version}`, kind, metadata, spec }] },
    manifestConfigs: manifestConfigsOf(module, spokeNamespace),
  };
}

type ManifestConfigs = NonNullable<ManifestWork['spec']['manifestConfigs']>;

const configsKnown = new Map<string, ManifestConfigs>();
/** Modules of which it is kept; that of others is made again. */
const configsMax = 256;

/** The same for all clusters of a module; frozen. */
function manifestConfigsOf(module: string, spokeNamespace: string): ManifestConfigs {
  const key = `${spokeNamespace}/${module}`;
  const known = configsKnown.get(key);
  if (known !== undefined) return known;
  if (configsKnown.size >= configsMax) configsKnown.clear();
  const { group, plural } = moduleApi;
  const made = [
    {
      resourceIdentifier: { group, resource: plural, name: module, namespace: spokeNamespace },
      feedbackRules: [{ type: 'JSONPaths', jsonPaths: feedbackPaths.map(([name, path]) => ({ name, path })) }],
    },
  ];
  const configs = rememberText(frozen(made)) as ManifestConfigs;
  configsKnown.set(key, configs);
  return configs;
}

function endingNotes({ succeededAt, failedAt }: Ending = {}): Record<string, string> {
  return {
    ...(succeededAt === undefined ? {} : { [annotations.succeededAt]: succeededAt }),
    ...(failedAt === undefined ? {} : { [annotations.failedAt]: failedAt }),
  };
}

/** A present work as the hub reads it. */
export interface WorkView {
  /** Absent: not written by this program. */
  revision: string | undefined;
  state: string | undefined;
  updatedAt: string | undefined;
  /** When the cluster got the revision: the deadline counts from there. */
  startedAt: string | undefined;
  ending: Ending;
  adopted: string | undefined;
  /** The Module spec in it, if it holds exactly one Module of the expected name and namespace. */
  spec: ModuleSpec | undefined;
  /** The spec is the one that was written: nobody edited it by hand, so its mappings may be read back. */
  genuine: boolean;
}

/** `unchecked` spares the hash where `genuine` is not looked at; it is then always false. */
export function viewWork(work: ManifestWork, spokeNamespace: string, check?: 'unchecked'): WorkView {
  const noted = work.metadata.annotations ?? {};
  const state = noted[annotations.state];
  const spec = moduleSpecIn(work, spokeNamespace);
  return {
    revision: noted[annotations.revision],
    state,
    updatedAt: noted[annotations.updatedAt],
    startedAt: noted[annotations.startedAt] ?? noted[annotations.updatedAt],
    ending: { succeededAt: noted[annotations.succeededAt], failedAt: noted[annotations.failedAt] },
    adopted: noted[annotations.adoptedSpec],
    spec,
    genuine: check === undefined && spec !== undefined && state === lastingHash(spec),
  };
}

function moduleSpecIn(work: ManifestWork, spokeNamespace: string): ModuleSpec | undefined {
  const manifests = work.spec.workload?.manifests ?? [];
  const manifest = manifests[0] as unknown as Manifest | undefined;
  const expected =
    manifests.length === 1 &&
    manifest?.apiVersion === `${moduleApi.group}/${moduleApi.version}` &&
    manifest.kind === moduleApi.kind &&
    manifest.metadata?.name === work.metadata.name &&
    manifest.metadata.namespace === spokeNamespace;
  // A cluster's agent may write what it likes.
  return expected && isRecord(manifest.spec) ? manifest.spec : undefined;
}

interface Manifest {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string; namespace?: string };
  spec?: ModuleSpec;
}

/** The mappings of a shipped spec that a hub can read; works hold literals only. */
export function mappingsIn(spec: ModuleSpec | undefined): ShippedMapping[] {
  return rawMappings(spec).flatMap(({ literal, containerImage, inTreeModulesToRemove }) => {
    if (typeof literal !== 'string' || typeof containerImage !== 'string' || !literal || !containerImage) return [];
    const list = Array.isArray(inTreeModulesToRemove) ? { inTreeModulesToRemove } : {};
    return [{ literal, containerImage, ...list }];
  });
}

/** The list as it is, with fields that we would not write. What somebody edited by hand may have any shape. */
export function rawMappings(spec: ModuleSpec | undefined): Partial<ShippedMapping>[] {
  const container = spec?.moduleLoader?.container as { kernelMappings?: unknown } | null | undefined;
  const list = container?.kernelMappings;
  return Array.isArray(list) ? list.filter((item) => typeof item === 'object' && item !== null) : [];
}

/** `module/revision` of a work that this program wrote: the value of its index. */
export function workRevision(work: ManifestWork): string | undefined {
  const revision = work.metadata.annotations?.[annotations.revision];
  return revision === undefined ? undefined : `${work.metadata.name}/${revision}`;
}

/**
 * What is kept of a work: all of it, with what thousands of works say alike kept once. Clusters of the same kernels have the
 * same spec, and it is the largest part.
 */
export function alikeWorks(): (work: ManifestWork) => ManifestWork {
  const alike = new Alike();
  return ({ metadata, spec, status, ...work }) => ({
    ...alike.texts(work),
    metadata: alike.texts(metadata),
    spec: alike.part(spec),
    ...(status !== undefined && { status: alike.texts(status) }),
  });
}
