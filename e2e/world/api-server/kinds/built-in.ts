import { builtInColumns } from '../tables/built-in-columns.ts';
import { typeName, typeSchema } from '../types/type-schema.ts';
import { strategies } from './built-in-strategies.ts';
import { coreEventView } from './event-view.ts';
import type { KindView, ServedKind, Strategy } from './served-kind.ts';

interface Row {
  group: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  shortNames?: readonly string[];
  hasStatus?: boolean;
  selectableFields?: readonly string[];
  /** With the group whose collection it shows. */
  view?: { of: string; view: KindView };
}

const podFields = [
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'spec.hostNetwork',
  'status.phase',
  'status.podIP',
  'status.nominatedNodeName',
];
const eventFields = ['reason', 'type', 'regarding.kind', 'regarding.namespace', 'regarding.name', 'regarding.uid'];

const coreEventFields = eventFields.map((field) => field.replace('regarding.', 'involvedObject.'));
const eventNames = { kind: 'Event', plural: 'events', namespaced: true, shortNames: ['ev'] };

const rows: readonly Row[] = [
  { group: '', kind: 'Namespace', plural: 'namespaces', namespaced: false, shortNames: ['ns'], hasStatus: true },
  { group: '', kind: 'Node', plural: 'nodes', namespaced: false, shortNames: ['no'], hasStatus: true },
  { group: '', kind: 'Pod', plural: 'pods', namespaced: true, shortNames: ['po'], hasStatus: true },
  { group: '', kind: 'Secret', plural: 'secrets', namespaced: true, selectableFields: ['type'] },
  { group: '', kind: 'ConfigMap', plural: 'configmaps', namespaced: true, shortNames: ['cm'] },
  { group: '', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true, shortNames: ['sa'] },
  { group: '', kind: 'Service', plural: 'services', namespaced: true, shortNames: ['svc'], hasStatus: true },
  { group: '', ...eventNames, selectableFields: coreEventFields, view: { of: 'events.k8s.io', view: coreEventView } },
  { group: 'apps', kind: 'DaemonSet', plural: 'daemonsets', namespaced: true, shortNames: ['ds'], hasStatus: true },
  { group: 'apps', kind: 'Deployment', plural: 'deployments', namespaced: true, hasStatus: true },
  { group: 'apps', kind: 'ControllerRevision', plural: 'controllerrevisions', namespaced: true },
  { group: 'batch', kind: 'Job', plural: 'jobs', namespaced: true, hasStatus: true },
  { group: 'coordination.k8s.io', kind: 'Lease', plural: 'leases', namespaced: true },
  { group: 'events.k8s.io', ...eventNames },
  { group: 'networking.k8s.io', kind: 'NetworkPolicy', plural: 'networkpolicies', namespaced: true },
  { group: 'rbac.authorization.k8s.io', kind: 'Role', plural: 'roles', namespaced: true },
  { group: 'rbac.authorization.k8s.io', kind: 'RoleBinding', plural: 'rolebindings', namespaced: true },
  { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', plural: 'clusterroles', namespaced: false },
  { group: 'rbac.authorization.k8s.io', kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', namespaced: false },
  { group: 'scheduling.k8s.io', kind: 'PriorityClass', plural: 'priorityclasses', namespaced: false },
  {
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    hasStatus: true,
  },
];

const selectable: Record<string, readonly string[]> = {
  Pod: podFields,
  Event: eventFields,
  Namespace: ['status.phase'],
  Node: ['spec.unschedulable'],
  Job: ['status.successful'],
};

/** The kinds that the server has before any CustomResourceDefinition is posted. */
export function builtInKinds(): readonly ServedKind[] {
  return rows.map((row) => servedKind(row, strategies[`${row.group}/${row.kind}`] ?? strategies[row.kind] ?? {}));
}

function servedKind(row: Row, strategy: Strategy): ServedKind {
  return {
    group: row.group,
    version: 'v1',
    kind: row.kind,
    plural: row.plural,
    singular: row.kind.toLowerCase(),
    listKind: `${row.kind}List`,
    shortNames: row.shortNames ?? [],
    categories: [],
    namespaced: row.namespaced,
    hasStatus: row.hasStatus ?? false,
    builtIn: true,
    selectableFields: row.selectableFields ?? selectable[row.kind] ?? [],
    collection: `${row.view?.of ?? row.group}/${row.plural}`,
    strategy,
    ...(row.view && { view: row.view.view }),
    columns: builtInColumns(row.group, row.kind),
    schema: typeSchema(typeName(row.group, row.kind)),
  };
}
