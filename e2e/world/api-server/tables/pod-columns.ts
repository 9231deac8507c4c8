import { isRecord } from '../../../../shared/core/record.ts';
import { type ApiObject, valueAt } from '../object.ts';
import { age, ageColumn, type Cell, type Column, nameColumn } from './column.ts';

interface ContainerStatus {
  name?: string;
  ready?: boolean;
  restartCount?: number;
  state?: { waiting?: State; running?: State; terminated?: State };
  lastState?: { terminated?: State };
}

interface State {
  reason?: string;
  exitCode?: number;
  signal?: number;
  finishedAt?: string;
}

const shown = (name: string, cell: Column['cell'], priority = 0): Column => {
  return { name, type: 'string', description: '', priority, cell };
};

/** `kubectl get pods` as people know it. */
export const podColumns: readonly Column[] = [
  nameColumn,
  shown('Ready', readyContainers),
  shown('Status', podStatus),
  shown('Restarts', restarts),
  ageColumn,
  shown('IP', textAt('status', 'podIP'), 1),
  shown('Node', textAt('spec', 'nodeName'), 1),
  shown('Nominated Node', textAt('status', 'nominatedNodeName'), 1),
  shown('Readiness Gates', () => '<none>', 1),
];

function readyContainers(object: ApiObject): Cell {
  const all = valueAt(object, ['spec', 'containers']);
  const ready = statuses(object, 'containerStatuses').filter((status) => status.ready);
  return `${ready.length}/${Array.isArray(all) ? all.length : 0}`;
}

/** The first init container that is not through, else the first container that is in trouble, else the phase. */
function podStatus(object: ApiObject): Cell {
  const init = statuses(object, 'initContainerStatuses');
  const phase = String(valueAt(object, ['status', 'reason']) ?? valueAt(object, ['status', 'phase']) ?? 'Unknown');
  const text = initStatus(init, object) ?? containerStatus(statuses(object, 'containerStatuses')) ?? phase;
  return object.metadata.deletionTimestamp === undefined ? text : 'Terminating';
}

function initStatus(init: readonly ContainerStatus[], object: ApiObject): string | undefined {
  const position = init.findIndex(({ state }) => state?.terminated?.exitCode !== 0);
  const state = init[position]?.state;
  if (state === undefined) return undefined;
  if (state.terminated) return `Init:${endOf(state.terminated)}`;
  const waiting = state.waiting?.reason;
  if (waiting && waiting !== 'PodInitializing') return `Init:${waiting}`;
  const all = valueAt(object, ['spec', 'initContainers']);
  return `Init:${position}/${Array.isArray(all) ? all.length : init.length}`;
}

function containerStatus(containers: readonly ContainerStatus[]): string | undefined {
  for (const { state } of containers) {
    if (state?.waiting?.reason) return state.waiting.reason;
    if (state?.terminated) return endOf(state.terminated);
  }
  return undefined;
}

function endOf({ reason, signal, exitCode }: State): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`);
}

function restarts(object: ApiObject, nowMs: number): Cell {
  const containers = statuses(object, 'containerStatuses');
  const count = containers.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
  const last = containers
    .map(({ lastState }) => lastState?.terminated?.finishedAt ?? '')
    .sort()
    .at(-1);
  return count > 0 && last ? `${count} (${age(last, nowMs)} ago)` : String(count);
}

function statuses(object: ApiObject, member: string): ContainerStatus[] {
  const value = valueAt(object, ['status', member]);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function textAt(...path: string[]): Column['cell'] {
  return (object) => String(valueAt(object, path) || '<none>');
}
