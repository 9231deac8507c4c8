import { isRecord } from '../../../../shared/core/record.ts';
import { type ApiObject, valueAt } from '../object.ts';
import { ageColumn, type Cell, type Column, duration, nameColumn } from './column.ts';
import { column, containers, list, number, pairs, text } from './field-columns.ts';

function createdAt({ metadata }: ApiObject): Cell {
  return metadata.creationTimestamp ?? '<unknown>';
}

/** For kinds that show no age. */
export const createdAtColumn: Column = { ...column('Created At', createdAt), type: 'date' };

const templateColumns: readonly Column[] = [
  column('Containers', containers('name'), 1),
  column('Images', containers('image'), 1),
  column('Selector', (object) => pairs(valueAt(object, ['spec', 'selector', 'matchLabels'])), 1),
];

function jobStatus(object: ApiObject): Cell {
  const conditions = list(valueAt(object, ['status', 'conditions']));
  const holds = (type: string) =>
    conditions.some((condition) => condition['type'] === type && condition['status'] === 'True');
  const ended = ['Complete', 'Failed', 'Suspended'].find(holds);
  return ended ?? (object.metadata.deletionTimestamp === undefined ? 'Running' : 'Terminating');
}

function jobDuration(object: ApiObject, nowMs: number): Cell {
  const [start, end] = ['startTime', 'completionTime'].map((field) => valueAt(object, ['status', field]));
  if (typeof start !== 'string') return '';
  return duration((typeof end === 'string' ? Date.parse(end) : nowMs) - Date.parse(start));
}

/** `succeeded/wanted`; a Job that names no number wants one. */
function completions(object: ApiObject): Cell {
  return `${valueAt(object, ['status', 'succeeded']) ?? 0}/${valueAt(object, ['spec', 'completions']) ?? 1}`;
}

function subjects(kind: string): Column['cell'] {
  return (object) =>
    list(object['subjects'])
      .filter((subject) => subject['kind'] === kind)
      .map(({ namespace, name }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : String(name)))
      .join(',');
}

const bindingColumns: readonly Column[] = [
  nameColumn,
  column('Role', ({ roleRef }) => (isRecord(roleRef) ? `${roleRef['kind']}/${roleRef['name']}` : '<none>')),
  ageColumn,
  column('Users', subjects('User'), 1),
  column('Groups', subjects('Group'), 1),
  column('ServiceAccounts', subjects('ServiceAccount'), 1),
];

function ports(object: ApiObject): Cell {
  const all = list(valueAt(object, ['spec', 'ports']));
  return all.map(({ port, protocol = 'TCP' }) => `${port}/${protocol}`).join(',') || '<none>';
}

/** Kinds that people see beside ours: what `deploy/` makes, and what `kubectl create` can. */
export const otherColumns: Record<string, readonly Column[]> = {
  'apps/Deployment': [
    nameColumn,
    column(
      'Ready',
      (object) => `${valueAt(object, ['status', 'readyReplicas']) ?? 0}/${valueAt(object, ['spec', 'replicas']) ?? 1}`,
    ),
    number('Up-to-date', 'status.updatedReplicas'),
    number('Available', 'status.availableReplicas'),
    ageColumn,
    ...templateColumns,
  ],
  'batch/Job': [
    nameColumn,
    column('Status', jobStatus),
    column('Completions', completions),
    column('Duration', jobDuration),
    ageColumn,
    ...templateColumns,
  ],
  '/Service': [
    nameColumn,
    text('Type', 'spec.type'),
    text('Cluster-IP', 'spec.clusterIP'),
    column('External-IP', () => '<none>'),
    column('Port(s)', ports),
    ageColumn,
    column('Selector', (object) => pairs(valueAt(object, ['spec', 'selector'])), 1),
  ],
  'networking.k8s.io/NetworkPolicy': [
    nameColumn,
    column('Pod-Selector', (object) => pairs(valueAt(object, ['spec', 'podSelector', 'matchLabels']))),
    ageColumn,
  ],
  'rbac.authorization.k8s.io/Role': [nameColumn, createdAtColumn],
  'rbac.authorization.k8s.io/ClusterRole': [nameColumn, createdAtColumn],
  'rbac.authorization.k8s.io/RoleBinding': bindingColumns,
  'rbac.authorization.k8s.io/ClusterRoleBinding': bindingColumns,
  'scheduling.k8s.io/PriorityClass': [
    nameColumn,
    number('Value', 'value'),
    { ...column('Global-Default', (object) => object['globalDefault'] === true), type: 'boolean' },
    ageColumn,
    text('PreemptionPolicy', 'preemptionPolicy'),
  ],
};
