import { type ApiObject, valueAt } from '../object.ts';
import { age, ageColumn, type Cell, type Column, nameColumn } from './column.ts';
import { column, containers, list, number, pairs, text } from './field-columns.ts';
import { createdAtColumn, otherColumns } from './other-columns.ts';
import { podColumns } from './pod-columns.ts';

/** What `kubectl get` shows of a built-in kind: Kubernetes' own columns where people look, else name and age. */
export function builtInColumns(group: string, kind: string): readonly Column[] {
  return columns[`${group}/${kind}`] ?? [nameColumn, ageColumn];
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

const data = column('Data', dataSize);

function lastSeen(object: ApiObject, nowMs: number): Cell {
  const series = valueAt(object, ['series', 'lastObservedTime']);
  return age(series ?? object['deprecatedLastTimestamp'] ?? object['eventTime'], nowMs);
}

function firstSeen(object: ApiObject, nowMs: number): Cell {
  return age(object['deprecatedFirstTimestamp'] ?? object['eventTime'], nowMs);
}

function regarding(object: ApiObject): Cell {
  return `${String(valueAt(object, ['regarding', 'kind'])).toLowerCase()}/${valueAt(object, ['regarding', 'name'])}`;
}

const eventColumns: readonly Column[] = [
  column('Last Seen', lastSeen),
  text('Type', 'type'),
  text('Reason', 'reason'),
  column('Object', regarding),
  column('Subobject', (object) => String(valueAt(object, ['regarding', 'fieldPath']) ?? ''), 1),
  text('Source', 'reportingController', 1),
  text('Message', 'note'),
  column('First Seen', firstSeen, 1),
  column('Count', (object) => Number(valueAt(object, ['series', 'count']) ?? object['deprecatedCount'] ?? 1), 1),
  { ...nameColumn, priority: 1 },
];

const columns: Record<string, readonly Column[]> = {
  ...otherColumns,
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
  'apiextensions.k8s.io/CustomResourceDefinition': [nameColumn, createdAtColumn],
};

function controllerOf({ metadata }: ApiObject): Cell {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  return owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}/${owner.name}`;
}
