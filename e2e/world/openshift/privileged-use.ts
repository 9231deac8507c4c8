import type { KubeClient } from '../../../shared/kube/client.ts';
import { isNotFound } from '../../../shared/kube/errors.ts';
import type { KubeObject } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';
import type { Binding, Role } from '../../../shared/testing/deployed.ts';
import { clusterRoles, roleBindings } from '../rights/rbac.ts';

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** As an admission review names who asks. */
export interface UserInfo {
  readonly username: string;
  readonly groups?: readonly string[];
}

type Review = KubeObject & { spec: object; status?: { allowed: boolean } };

const reviews = resource<Review>('authorization.k8s.io', 'v1', 'SubjectAccessReview', 'subjectaccessreviews', false);
const group = 'security.openshift.io';
/** On every OpenShift. */
const role = 'system:openshift:scc:privileged';

export function userInfoOf({ namespace, name }: Account): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

/** Whether the user may `use` the SecurityContextConstraints `privileged` in the namespace: the API server's word, by RBAC. */
export async function mayUsePrivileged(client: KubeClient, user: UserInfo, namespace: string): Promise<boolean> {
  const { username, groups = [] } = user;
  const resourceAttributes = {
    group,
    resource: 'securitycontextconstraints',
    name: 'privileged',
    verb: 'use',
    namespace,
  };
  const { status } = await client.create(reviews, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: { name: '' },
    spec: { user: username, groups, resourceAttributes },
  });
  return status?.allowed === true;
}

export async function installRole(client: KubeClient): Promise<void> {
  const rules = [
    { apiGroups: [group], resources: ['securitycontextconstraints'], resourceNames: ['privileged'], verbs: ['use'] },
  ];
  const object = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: role }, rules };
  await client.create<Role>(clusterRoles, object);
}

/** `oc adm policy add-scc-to-user privileged -z NAME -n NAMESPACE`: the account among the subjects of one RoleBinding. */
export async function addSccToUser(client: KubeClient, account: Account): Promise<void> {
  const present = await client.get(roleBindings, { namespace: account.namespace, name: role });
  const subject = { kind: 'ServiceAccount', ...account } as const;
  const binding: Binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { namespace: account.namespace, name: role },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [subject],
  };
  if (present === undefined) await client.create(roleBindings, binding);
  else await client.replace(roleBindings, { ...present, subjects: [...(present.subjects ?? []), subject] });
}

/** `oc adm policy remove-scc-from-user privileged -z NAME -n NAMESPACE`. */
export async function removeSccFromUser(client: KubeClient, account: Account): Promise<void> {
  const present = await client.get(roleBindings, { namespace: account.namespace, name: role });
  if (present === undefined) return;
  const others = (present.subjects ?? []).filter((subject) => subject.name !== account.name);
  await client.replace(roleBindings, { ...present, subjects: others });
}

/** For what looks at objects that somebody may delete meanwhile. */
export function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
