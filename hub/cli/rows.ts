import type { ClusterStatus, ManagedClusterModule, ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import type { ClusterView } from '../fleet/cluster.ts';
import { selects } from '../fleet/selection.ts';
import { readFeedback } from '../managed-cluster-module/feedback.ts';
import { reasons } from '../managed-cluster-module/reasons.ts';
import { revisionName } from '../managed-cluster-module/revisions.ts';
import { mappingsIn } from '../managed-cluster-module/work.ts';
import { isSoaking, soakOfUntold } from './soaking.ts';

/**
 * Where each kernel of each cluster stands, for people: from the status of ManagedClusterModules and from the feedback in
 * ManifestWorks only, so it says no more than the hub can know.
 */
export interface Row {
  module: string;
  cluster: string;
  /** `-` where the cluster does not tell its kernels. */
  kernel: string;
  state: (typeof rowStates)[number];
  /** `loaded/desired`, without the nodes that cannot be reached. */
  nodes: string;
  detail: string;
  /** Name of the version (ControllerRevision) that the cluster's work is of; empty without a work of ours. */
  version: string;
  /** That is the present version: what is well at an older one is not well yet. False while the spec cannot be used. */
  current: boolean;
  /** What is shipped for the kernel, by digest where it was checked. */
  image: string;
}

export const rowStates = [
  'Loaded',
  'Soaking',
  'Loading',
  'Failed',
  'Unmapped',
  'Waiting',
  'Unreachable',
  'Idle',
] as const;

/**
 * Rows of all modules, by module, cluster and kernel. With `clusters`, those that a module selects and that have no work
 * are among them, however many they are: the status names only some. Pure.
 */
export function rowsOf(
  modules: readonly ManagedClusterModule[],
  works: readonly ManifestWork[],
  clusters: readonly ClusterView[] = [],
): Row[] {
  const byModule = Map.groupBy(works, ({ metadata }) => metadata.name);
  return modules.flatMap((module) => {
    const name = module.metadata.name;
    const unwell = new Map((module.status?.clusters ?? []).map((cluster) => [cluster.name, cluster]));
    const selected = clusters.filter(
      (cluster) => !cluster.leaving && selects(module.spec?.selector ?? {}, cluster.labels),
    );
    for (const cluster of selected) {
      if (!cluster.reachable && !unwell.has(cluster.name)) unwell.set(cluster.name, unreachable(cluster.name));
    }
    const own = byModule.get(name) ?? [];
    const withWork = new Set(own.map(({ metadata }) => metadata.namespace));
    for (const cluster of selected) {
      if (!withWork.has(cluster.name) && !unwell.has(cluster.name)) unwell.set(cluster.name, waiting(cluster.name));
    }
    const selectedNames = new Set(selected.map((cluster) => cluster.name));
    const untold = soakOfUntold(module);
    const wanted = wantedVersion(module);
    const served = own.flatMap((work) => {
      const cluster = work.metadata.namespace ?? '';
      const told = unwell.get(cluster);
      const [soak, trouble] = isSoaking(told) ? [told, undefined] : [undefined, told];
      const guess = told === undefined && selectedNames.has(cluster) ? untold?.(work) : undefined;
      return rowsOfWork(name, work, trouble).map((row) => withSoak(withVersion(row, work, wanted), soak ?? guess));
    });
    const unserved = [...unwell.values()].filter((cluster) => !withWork.has(cluster.name));
    return [...served, ...unserved.map((cluster) => rowOfCluster(name, cluster))].sort(byPlace);
  });
}

/** Whether the spec is valid is the hub's word: to ask that here, `status` would have to load the schemas of whole specs. */
function wantedVersion({ metadata, spec, status }: ManagedClusterModule): string | undefined {
  const isInvalid = status?.conditions?.some(({ reason }) => reason === reasons.invalidSpec) ?? false;
  if (isInvalid || spec?.moduleSpec === undefined) return undefined;
  return revisionName(metadata.name, spec.moduleSpec);
}

function unreachable(name: string): ClusterStatus {
  return { name, state: 'Unreachable', reason: reasons.unreachable };
}

function waiting(name: string): ClusterStatus {
  return { name, state: 'Waiting', reason: reasons.waiting, message: 'it has no ManifestWork yet' };
}

/** What the work ships, and that it is not the version that is wanted, where nothing else is to be said. */
function withVersion(row: BareRow, work: ManifestWork, wanted: string | undefined): Row {
  const version = work.metadata.annotations?.[annotations.revision] ?? '';
  const manifest = work.spec?.workload?.manifests?.[0] as { spec?: ModuleSpec } | undefined;
  const mapping = mappingsIn(manifest?.spec).find(({ literal }) => literal === row.kernel);
  const current = wanted !== undefined && version === wanted;
  const has = version === '' ? "no version of this hub's" : `version ${version}`;
  const isOld = wanted !== undefined && !current;
  const detail = row.detail === '' && isOld ? `has ${has}, not yet ${wanted}` : row.detail;
  return { ...row, detail, version, current, image: mapping?.containerImage ?? '' };
}

/** Kernels without a mapping, or whose nodes cannot be reached, keep no cluster from succeeding. */
function withSoak(row: Row, soak: Said | undefined): Row {
  const isWell = row.state === 'Loaded' || row.state === 'Idle';
  if (soak === undefined || !row.current || !isWell) return row;
  return { ...row, state: 'Soaking', detail: row.detail || detailOf(soak) };
}

type BareRow = Omit<Row, 'version' | 'current' | 'image'>;

function rowsOfWork(module: string, work: ManifestWork, unwell: ClusterStatus | undefined): BareRow[] {
  const cluster = work.metadata.namespace ?? '';
  const { report, moduleLoader, state: reported } = readFeedback(work);
  const base = { module, cluster };
  if (report === undefined || unwell?.state === 'Unreachable') {
    const { desiredNumber: desired = 0, availableNumber: available = 0 } = moduleLoader;
    const counts = countsOf([desired, available, 0, 0]);
    const state = unwell === undefined ? counts.state : stateOfCluster(unwell);
    return [{ ...base, kernel: '-', nodes: counts.nodes, state, detail: detailOf(unwell) }];
  }
  // What a cluster said of the state before says nothing about the one that it has now.
  const isOld = reported !== work.metadata.annotations?.[annotations.state];
  const kernels = Object.entries(report.kernels ?? {}).map(([kernel, counts]): BareRow => {
    const error = report.errors?.find((each) => each.kernel === kernel);
    const detail = error === undefined ? '' : `${error.node}: ${error.reason}: ${error.message}`;
    return { ...base, kernel, ...(isOld ? unreported : { ...countsOf(counts), detail }) };
  });
  const unmapped = (report.unmapped ?? []).map(
    (kernel): BareRow => ({ ...base, kernel, state: 'Unmapped', nodes: '-', detail: 'no kernel mapping' }),
  );
  const rows = [...kernels, ...unmapped];
  if (rows.length === 0)
    rows.push({ ...base, kernel: '-', ...(isOld ? unreported : { ...countsOf(report.nodes), detail: '' }) });
  return unwell === undefined ? rows : withReason(rows, unwell);
}

const unreported = { state: 'Loading', nodes: '-', detail: 'not reported on yet' } as const;

/** What the hub says of the whole cluster stands where no kernel says something of its own. */
function withReason(rows: readonly BareRow[], unwell: ClusterStatus): BareRow[] {
  // By a deadline, or for a plugin that does not come: no kernel says so.
  if (unwell.state === 'Failed' && !rows.some(({ state }) => state === 'Failed'))
    return rows.map((row) => ({ ...row, state: 'Failed', detail: row.detail || detailOf(unwell) }));
  return rows.map((row) => (row.detail === '' && row.state !== 'Loaded' ? { ...row, detail: detailOf(unwell) } : row));
}

function countsOf([desired, loaded, failed, unreachable]: readonly [number, number, number, number]) {
  const expected = Math.max(0, desired - unreachable);
  const nodes = `${loaded}/${expected}`;
  if (failed > 0) return { state: 'Failed', nodes } as const;
  if (desired === 0) return { state: 'Idle', nodes: '-' } as const;
  if (expected === 0) return { state: 'Unreachable', nodes } as const;
  return { state: loaded >= expected ? 'Loaded' : 'Loading', nodes } as const;
}

function rowOfCluster(module: string, cluster: ClusterStatus): Row {
  const state = stateOfCluster(cluster);
  return {
    module,
    cluster: cluster.name,
    kernel: '-',
    state,
    nodes: '-',
    detail: detailOf(cluster),
    version: '',
    current: false,
    image: '',
  };
}

function stateOfCluster({ state }: ClusterStatus): Row['state'] {
  return state === 'Progressing' ? 'Loading' : state;
}

type Said = Pick<ClusterStatus, 'reason' | 'message'>;

function detailOf(said: Said | undefined): string {
  return said === undefined ? '' : [said.reason, said.message].filter(Boolean).join(': ');
}

function byPlace(a: Row, b: Row): number {
  return compared(a.module, b.module) || compared(a.cluster, b.cluster) || compared(a.kernel, b.kernel);
}

function compared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
