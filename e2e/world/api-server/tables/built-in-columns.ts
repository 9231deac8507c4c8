import { type ApiObject, isRecord, valueAt } from '../object.ts';
import { age, ageColumn, type Cell, type Column, nameColumn } from './column.ts';
import { podColumns } from './pod-columns.ts';

/** What `kubectl get` shows of a built-in kind: Kubernetes' own columns where people look, else name and age. */
export function builtInColumns(group: string, kind: string): readonly Column[] {
  return columns[`${group}/${kind}`] ?? [nameColumn, ageColumn];
}

/** A column of the kinds below; the paths of numbers and texts speak for themselves. */
export function column(name: string, cell: Column['cell'], priority = 0): Column {
  return { name, type: 'string', description: '', priority, cell };
}

function number(name: string, path: string): Column {
  const members = path.split('.');
  return { ...column(name, (object) => Number(valueAt(object, members) ?? 0)), type: 'integer' };
}

function text(name: string, path: string, priority = 0): Column {
  const members = path.split('.');
  return column(name, (object) => textAt(object, members), priority);
}

function textAt(object: unknown, path: readonly string[]): string {
  const value = valueAt(object, path);
  return value === undefined || value === '' || value === null ? '<none>' : String(value);
}

/** `a=b,c=d`, or `<none>`. */
function pairs(value: unknown): string {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return entries.length === 0 ? '<none>' : entries.map(([key, each]) => `${key}=${each}`).join(',');
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function containers(member: string): Column['cell'] {
  return (object) =>
    list(valueAt(object, ['spec', 'template', 'spec', 'containers']))
      .map((each) => each[member])
      .join(',');
}

const rolePrefix = 'node-role.kubernetes.io/';

function nodeRoles({ metadata }: ApiObject): Cell {
  const roles = Object.keys(metadata.labels ?? {}).filter((label) => label.startsWith(rolePrefix));
  return (
    roles
      .map((label) => label.slice(rolePrefix.length))
      .sort()
      .join(',') || '<none>'
  );
}

function nodeStatus(object: ApiObject): Cell {
  const ready = list(valueAt(object, ['status', 'conditions'])).find(({ type }) => type === 'Ready');
  const state = ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady';
  return valueAt(object, ['spec', 'unschedulable']) === true ? `${state},SchedulingDisabled` : state;
}

function nodeAddress(type: string): Column['cell'] {
  return (object) => {
    const found = list(valueAt(object, ['status', 'addresses'])).find((each) => each['type'] === type);
    return found === undefined ? '<none>' : String(found['address']);
  };
}

function dataSize(object: ApiObject): Cell {
  return ['data', 'binaryData'].reduce((sum, member) => sum + Object.keys(valueAt(object, [member]) ?? {}).length, 0);
}

const data: Column = { ...column('Data', dataSize), type: 'integer' };

function lastSeen(object: ApiObject, nowMs: number): Cell {
  const series = valueAt(object, ['series', 'lastObservedTime']);
  return age(series ?? object['deprecatedLastTimestamp'] ?? object['eventTime'], nowMs);
}

function regarding(object: ApiObject): Cell {
  return `${String(valueAt(object, ['regarding', 'kind'])).toLowerCase()}/${valueAt(object, ['regarding', 'name'])}`;
}

const eventColumns: readonly Column[] = [
  column('Last Seen', lastSeen),
  text('Type', 'type'),
  text('Reason', 'reason'),
  column('Object', regarding),
  text('Source', 'reportingController', 1),
  text('Message', 'note'),
  { ...nameColumn, priority: 1 },
];

const columns: Record<string, readonly Column[]> = {
  '/Pod': podColumns,
  '/Node': [
    nameColumn,
    column('Status', nodeStatus),
    column('Roles', nodeRoles),
    ageColumn,
    text('Version', 'status.nodeInfo.kubeletVersion'),
    column('Internal-IP', nodeAddress('InternalIP'), 1),
    column('External-IP', nodeAddress('ExternalIP'), 1),
    text('OS-Image', 'status.nodeInfo.osImage', 1),
    text('Kernel-Version', 'status.nodeInfo.kernelVersion', 1),
    text('Container-Runtime', 'status.nodeInfo.containerRuntimeVersion', 1),
  ],
  '/Namespace': [nameColumn, text('Status', 'status.phase'), ageColumn],
  '/ConfigMap': [nameColumn, data, ageColumn],
  '/Secret': [nameColumn, text('Type', 'type'), data, ageColumn],
  '/Event': eventColumns,
  'events.k8s.io/Event': eventColumns,
  'apps/DaemonSet': [
    nameColumn,
    number('Desired', 'status.desiredNumberScheduled'),
    number('Current', 'status.currentNumberScheduled'),
    number('Ready', 'status.numberReady'),
    number('Up-to-date', 'status.updatedNumberScheduled'),
    number('Available', 'status.numberAvailable'),
    column('Node Selector', (object) => pairs(valueAt(object, ['spec', 'template', 'spec', 'nodeSelector']))),
    ageColumn,
    column('Containers', containers('name'), 1),
    column('Images', containers('image'), 1),
    column('Selector', (object) => pairs(valueAt(object, ['spec', 'selector', 'matchLabels'])), 1),
  ],
  'apps/ControllerRevision': [
    nameColumn,
    column('Controller', controllerOf),
    number('Revision', 'revision'),
    ageColumn,
  ],
  'coordination.k8s.io/Lease': [nameColumn, text('Holder', 'spec.holderIdentity'), ageColumn],
  'apiextensions.k8s.io/CustomResourceDefinition': [
    nameColumn,
    column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '<unknown>'),
  ],
};

function controllerOf({ metadata }: ApiObject): Cell {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  return owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}/${owner.name}`;
}
