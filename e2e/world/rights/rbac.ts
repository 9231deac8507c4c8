import { resource } from '../../../shared/kube/resources.ts';
import type { Manifest } from '../real/manifests.ts';

export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

export type Role = Manifest & { readonly rules: readonly PolicyRule[] };

export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export type Binding = Manifest & {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly Subject[];
};

const group = 'rbac.authorization.k8s.io';
export const clusterRoles = resource<Role>(group, 'v1', 'ClusterRole', 'clusterroles', false);
export const roles = resource<Role>(group, 'v1', 'Role', 'roles', true);
export const clusterRoleBindings = resource<Binding>(group, 'v1', 'ClusterRoleBinding', 'clusterrolebindings', false);
export const roleBindings = resource<Binding>(group, 'v1', 'RoleBinding', 'rolebindings', true);

/** As the API server names a service account. */
export function userOf({ kind, namespace, name }: Subject): string {
  return kind === 'ServiceAccount' ? `system:serviceaccount:${namespace}:${name}` : name;
}
