import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Resource } from '../../../shared/kube/object.ts';
import type { Binding, Role, RoleRule } from '../../../shared/testing/deployed.ts';
import type { Right } from '../fleet/plane.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles, userOf } from './rbac.ts';

/** Takes the right out of every role that gives it to the user; what it returns puts the roles back. */
export async function withholdRight(client: KubeClient, right: Right): Promise<() => Promise<void>> {
  const changed: { resource: Resource<Role>; role: Role }[] = [];
  for (const { resource, role } of await rolesOf(client, right.user)) {
    const rules = role.rules.map((rule) => without(rule, right));
    if (rules.every((rule, index) => rule === role.rules[index])) continue;
    await client.patch(resource, role.metadata, { type: 'merge', body: { rules } });
    changed.push({ resource, role });
  }
  return async () => {
    for (const { resource, role } of changed) {
      await client.patch(resource, role.metadata, { type: 'merge', body: { rules: role.rules } });
    }
  };
}

function without(rule: RoleRule, { resource, verbs }: Right): RoleRule {
  if (!rule.resources?.includes(resource) || !rule.verbs.some((verb) => verbs.includes(verb))) return rule;
  return { ...rule, verbs: rule.verbs.filter((verb) => !verbs.includes(verb)) };
}

async function rolesOf(client: KubeClient, user: string): Promise<{ resource: Resource<Role>; role: Role }[]> {
  const bindings: Binding[] = [
    ...(await client.list(clusterRoleBindings)).items,
    ...(await client.list(roleBindings)).items,
  ];
  const found: { resource: Resource<Role>; role: Role }[] = [];
  for (const { roleRef, subjects, metadata } of bindings) {
    // One may have been made without any.
    if (!subjects?.some((subject) => userOf(subject) === user)) continue;
    const resource = roleRef.kind === 'Role' ? roles : clusterRoles;
    const role = await client.get(resource, { namespace: metadata.namespace, name: roleRef.name });
    if (role !== undefined) found.push({ resource, role });
  }
  return found;
}
