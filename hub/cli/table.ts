import type { ClusterStatus, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import { printable, readFeedback } from '../managed-cluster-module/feedback.ts';

/**
 * Where each kernel of each cluster stands, for people: from the status of ManagedClusterModules and from the feedback in
 * ManifestWorks only, so it says no more than the hub can know.
 */
export interface Row {
  module: string;
  cluster: string;
  /** `-` where the cluster does not tell its kernels. */
  kernel: string;
  state: 'Loaded' | 'Loading' | 'Failed' | 'Unmapped' | 'Waiting' | 'Unreachable' | 'Idle';
  /** `loaded/desired`, without the nodes that cannot be reached. */
  nodes: string;
  detail: string;
}

/** Rows of all modules, by module, cluster and kernel. Pure. */
export function rowsOf(modules: readonly ManagedClusterModule[], works: readonly ManifestWork[]): Row[] {
  return modules.flatMap((module) => {
    const name = module.metadata.name;
    const unwell = new Map((module.status?.clusters ?? []).map((cluster) => [cluster.name, cluster]));
    const own = works.filter(({ metadata }) => metadata.name === name);
    const served = own.flatMap((work) => rowsOfWork(name, work, unwell.get(work.metadata.namespace ?? '')));
    const withWork = new Set(own.map(({ metadata }) => metadata.namespace));
    const unserved = [...unwell.values()].filter((cluster) => !withWork.has(cluster.name));
    return [...served, ...unserved.map((cluster) => rowOfCluster(name, cluster))].sort(byPlace);
  });
}

function rowsOfWork(module: string, work: ManifestWork, unwell: ClusterStatus | undefined): Row[] {
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
  const kernels = Object.entries(report.kernels ?? {}).map(([kernel, counts]): Row => {
    const error = report.errors?.find((each) => each.kernel === kernel);
    const detail = error === undefined ? '' : `${error.node}: ${error.reason}: ${error.message}`;
    return { ...base, kernel, ...(isOld ? unreported : { ...countsOf(counts), detail }) };
  });
  const unmapped = (report.unmapped ?? []).map(
    (kernel): Row => ({ ...base, kernel, state: 'Unmapped', nodes: '-', detail: 'no kernel mapping' }),
  );
  const rows = [...kernels, ...unmapped];
  if (rows.length === 0)
    rows.push({ ...base, kernel: '-', ...(isOld ? unreported : { ...countsOf(report.nodes), detail: '' }) });
  return unwell === undefined ? rows : withReason(rows, unwell);
}

const unreported = { state: 'Loading', nodes: '-', detail: 'not reported on yet' } as const;

/** What the hub says of the whole cluster stands where no kernel says something of its own. */
function withReason(rows: readonly Row[], unwell: ClusterStatus): Row[] {
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
  return { module, cluster: cluster.name, kernel: '-', state, nodes: '-', detail: detailOf(cluster) };
}

function stateOfCluster({ state }: ClusterStatus): Row['state'] {
  return state === 'Progressing' ? 'Loading' : state;
}

function detailOf(cluster: ClusterStatus | undefined): string {
  return cluster === undefined ? '' : [cluster.reason, cluster.message].filter(Boolean).join(': ');
}

function byPlace(a: Row, b: Row): number {
  const [left, right] = [a, b].map(({ module, cluster, kernel }) => `${module}\n${cluster}\n${kernel}`);
  return left! < right! ? -1 : left! > right! ? 1 : 0;
}

export interface TableOptions {
  /** ANSI colours of the states; only for a terminal. */
  colours?: boolean;
  /** Longer lines are cut with an ellipsis; default: none is cut. */
  width?: number | undefined;
}

const columns = [
  ['MODULE', 'module'],
  ['CLUSTER', 'cluster'],
  ['KERNEL', 'kernel'],
  ['STATE', 'state'],
  ['NODES', 'nodes'],
  ['DETAIL', 'detail'],
] as const;

const colourOf: Readonly<Record<Row['state'], number>> = {
  Loaded: 32,
  Loading: 33,
  Waiting: 33,
  Unmapped: 33,
  Idle: 90,
  Unreachable: 35,
  Failed: 31,
};

/** Aligned lines, a heading first. Text from clusters is printed without control characters. */
export function formatRows(rows: readonly Row[], { colours = false, width }: TableOptions = {}): string[] {
  const cells = rows.map((row) => columns.map(([, field]) => printable(row[field])));
  const widths = columns.map(([heading], column) =>
    Math.max(heading.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const last = columns.length - 1;
  const lineOf = (line: readonly string[]) =>
    line
      .map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const stateAt = columns.findIndex(([, field]) => field === 'state');
  const before = widths.slice(0, stateAt).reduce((sum, columnWidth) => sum + columnWidth + 2, 0);
  return [columns.map(([heading]) => heading), ...cells].map((line, index) => {
    const text = cut(lineOf(line), width);
    const state = rows[index - 1]?.state;
    if (!colours || state === undefined) return text;
    const end = before + state.length;
    return `${text.slice(0, before)}\u001b[${colourOf[state]}m${text.slice(before, end)}\u001b[0m${text.slice(end)}`;
  });
}

function cut(line: string, width: number | undefined): string {
  return width === undefined || line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
