/** One field of a message. `optional`: a pointer in Go, whose zero is a value and not an absence. */
export type Field =
  | { name: string; type: 'text' | 'texts' }
  | { name: string; type: 'integer' | 'boolean'; optional?: true }
  | { name: string; type: 'map'; of: 'text' | 'bytes' }
  | { name: string; type: 'message' | 'messages'; of: Message };
/** By field number: the `generated.proto` files of k8s.io/api and of apimachinery's meta/v1. */
export type Message = Record<number, Field>;

const text = (name: string): Field => ({ name, type: 'text' });
const texts = (name: string): Field => ({ name, type: 'texts' });
const map = (name: string, of: 'text' | 'bytes' = 'text'): Field => ({ name, type: 'map', of });
const message = (name: string, of: Message): Field => ({ name, type: 'message', of });
const several = (name: string, of: Message): Field => ({ name, type: 'messages', of });
const flag = (name: string): Field => ({ name, type: 'boolean' });
const count = (name: string): Field => ({ name, type: 'integer' });
const optionalFlag = (name: string): Field => ({ name, type: 'boolean', optional: true });
const optionalCount = (name: string): Field => ({ name, type: 'integer', optional: true });
/** Something that clients send empty. */
const empty = (name: string): Field => message(name, {});

export const typeMeta: Message = { 1: text('apiVersion'), 2: text('kind') };
const metadata = message('metadata', {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  4: text('selfLink'),
  5: text('uid'),
  6: text('resourceVersion'),
  7: count('generation'),
  // The server sets its own.
  8: empty('creationTimestamp'),
  11: map('labels'),
  12: map('annotations'),
  14: texts('finalizers'),
});
const reference = { 1: text('kind'), 2: text('namespace'), 3: text('name') };

const container: Message = {
  1: text('name'),
  2: text('image'),
  3: texts('command'),
  4: texts('args'),
  5: text('workingDir'),
  6: several('ports', {
    1: text('name'),
    2: count('hostPort'),
    3: count('containerPort'),
    4: text('protocol'),
    5: text('hostIP'),
  }),
  8: empty('resources'),
  13: text('terminationMessagePath'),
  14: text('imagePullPolicy'),
  16: flag('stdin'),
  17: flag('stdinOnce'),
  18: flag('tty'),
  20: text('terminationMessagePolicy'),
};
const podTemplate = message('template', {
  1: metadata,
  2: message('spec', {
    2: several('containers', container),
    3: text('restartPolicy'),
    6: text('dnsPolicy'),
    8: text('serviceAccountName'),
    9: text('serviceAccount'),
    10: text('nodeName'),
    11: flag('hostNetwork'),
    12: flag('hostPID'),
    13: flag('hostIPC'),
    16: text('hostname'),
    17: text('subdomain'),
    19: text('schedulerName'),
    24: text('priorityClassName'),
  }),
});
const selector = message('selector', { 1: map('matchLabels') });

const rules = several('rules', {
  1: texts('verbs'),
  2: texts('apiGroups'),
  3: texts('resources'),
  4: texts('resourceNames'),
  5: texts('nonResourceURLs'),
});
const binding: Message = {
  1: metadata,
  2: several('subjects', { 1: text('kind'), 2: text('apiGroup'), 3: text('name'), 4: text('namespace') }),
  3: message('roleRef', { 1: text('apiGroup'), 2: text('kind'), 3: text('name') }),
};
const rbac = 'rbac.authorization.k8s.io/v1';

export const messages: Readonly<Record<string, Message>> = {
  'v1/Namespace': {
    1: metadata,
    2: message('spec', { 1: texts('finalizers') }),
    3: message('status', { 1: text('phase') }),
  },
  'v1/ConfigMap': { 1: metadata, 2: map('data'), 3: map('binaryData', 'bytes'), 4: optionalFlag('immutable') },
  'v1/Secret': {
    1: metadata,
    2: map('data', 'bytes'),
    3: text('type'),
    4: map('stringData'),
    5: optionalFlag('immutable'),
  },
  'v1/ServiceAccount': {
    1: metadata,
    2: several('secrets', reference),
    3: several('imagePullSecrets', { 1: text('name') }),
    4: optionalFlag('automountServiceAccountToken'),
  },
  [`${rbac}/Role`]: { 1: metadata, 2: rules },
  [`${rbac}/ClusterRole`]: { 1: metadata, 2: rules },
  [`${rbac}/RoleBinding`]: binding,
  [`${rbac}/ClusterRoleBinding`]: binding,
  'apps/v1/Deployment': {
    1: metadata,
    2: message('spec', {
      1: optionalCount('replicas'),
      2: selector,
      3: podTemplate,
      4: message('strategy', { 1: text('type') }),
      5: count('minReadySeconds'),
      7: flag('paused'),
    }),
    3: message('status', {
      1: count('observedGeneration'),
      2: count('replicas'),
      3: count('updatedReplicas'),
      4: count('availableReplicas'),
      5: count('unavailableReplicas'),
      7: count('readyReplicas'),
    }),
  },
  'batch/v1/Job': {
    1: metadata,
    2: message('spec', { 6: podTemplate }),
    3: message('status', {
      4: count('active'),
      5: count('succeeded'),
      6: count('failed'),
      7: text('completedIndexes'),
    }),
  },
  DeleteOptions: {
    1: optionalCount('gracePeriodSeconds'),
    2: message('preconditions', { 1: text('uid'), 2: text('resourceVersion') }),
    3: optionalFlag('orphanDependents'),
    4: text('propagationPolicy'),
    5: texts('dryRun'),
  },
};
