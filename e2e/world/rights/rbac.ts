import { resource } from '../../../shared/kube/resources.ts';
import type { Binding, Role } from '../../../shared/testing/deployed.ts';

const group = 'rbac.authorization.k8s.io';
export const clusterRoles = resource<Role>(group, 'v1', 'ClusterRole', 'clusterroles', false);
export const roles = resource<Role>(group, 'v1', 'Role', 'roles', true);
export const clusterRoleBindings = resource<Binding>(group, 'v1', 'ClusterRoleBinding', 'clusterrolebindings', false);
export const roleBindings = resource<Binding>(group, 'v1', 'RoleBinding', 'rolebindings', true);

/** As the API server names the subject of a binding. */
export function userOf({ kind, namespace, name }: Binding['subjects'][number]): string {
  return kind === 'ServiceAccount' ? `system:serviceaccount:${namespace}:${name}` : name;
}
