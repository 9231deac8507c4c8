import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { assert } from '../core/assert.ts';
import type { KubeObject } from '../kube/object.ts';
import { yamlDocuments } from './yaml-files.ts';

const root = join(import.meta.dirname, '../..');

interface Kustomization {
  resources: string[];
  patches?: Patch[];
}

interface Patch {
  target: { kind: string; name: string };
  patch: string;
}

/** An object of `deploy/`, and the file that it stands in, from the root of the project. */
export interface Deployed {
  file: string;
  object: KubeObject;
}

export interface RoleRule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

export type Role = KubeObject & { rules: RoleRule[] };

export type Binding = KubeObject & {
  roleRef: { apiGroup: string; kind: 'Role' | 'ClusterRole'; name: string };
  subjects: { kind: 'ServiceAccount'; name: string; namespace: string }[];
};

export type Deployment = KubeObject & {
  spec: {
    replicas: number;
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        serviceAccountName: string;
        securityContext: unknown;
        containers: {
          image: string;
          args: string[];
          env: { name: string; value?: string }[];
          ports: unknown;
          livenessProbe: { httpGet: unknown };
          readinessProbe: { httpGet: unknown };
          resources: { requests: Record<string, string>; limits: Record<string, string> };
          securityContext: unknown;
        }[];
      };
    };
  };
};

/** What `kubectl apply -k deploy/<folder>` applies, but for the names of images. Of kustomize it knows what those folders use. */
export function deployed(folder: 'hub' | 'hub-openshift' | 'spoke' | 'spoke-images'): Deployed[] {
  return kustomized(join(root, 'deploy', folder));
}

export function ofKind<T>(objects: readonly KubeObject[], kind: string): (KubeObject & T)[] {
  return objects.filter((object) => object.kind === kind) as (KubeObject & T)[];
}

/** Where the program runs, as its Deployment says. */
export function programContainer(name: 'hub' | 'spoke') {
  const objects = deployed(name).map(({ object }) => object);
  const container = ofKind<Deployment>(objects, 'Deployment')[0]?.spec.template.spec.containers[0];
  assert(container !== undefined, `deploy/${name} has no Deployment with a container`);
  return container;
}

/** What a service account may do by these roles and bindings, and in which namespace; absent: everywhere. */
export function rulesOf(
  objects: readonly KubeObject[],
  account: string,
): { rule: RoleRule; namespace?: string | undefined }[] {
  return boundRoles(objects)
    .filter(({ subject }) => subject.name === account)
    .flatMap(({ role, namespace }) =>
      role.rules.map((rule) => ({ rule, ...(namespace !== undefined && { namespace }) })),
    );
}

/** Each role with each account that it is bound to, and the namespace that it holds in; undefined: everywhere. */
export function boundRoles(
  objects: readonly KubeObject[],
): { role: Role; subject: Binding['subjects'][number]; namespace: string | undefined }[] {
  const bindings = objects.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding') as Binding[];
  return bindings.flatMap(({ roleRef, subjects, metadata: { namespace } }) =>
    ofKind<Role>(objects, roleRef.kind)
      .filter(({ metadata }) => metadata.name === roleRef.name)
      .flatMap((role) => subjects.map((subject) => ({ role, subject, namespace }))),
  );
}

function kustomized(folder: string): Deployed[] {
  const { resources, patches = [] } = yamlDocuments(join(folder, 'kustomization.yaml'))[0] as Kustomization;
  const all = resources.flatMap((name): Deployed[] => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return kustomized(path);
    const file = relative(root, path);
    return yamlDocuments(path).map((object) => ({ file, object: object as KubeObject }));
  });
  return all.flatMap(({ file, object }) => {
    const patched = patches.reduce<KubeObject | undefined>(
      (before, patch) => before && patchedBy(before, patch),
      object,
    );
    return patched === undefined ? [] : [{ file, object: patched }];
  });
}

/** Undefined: it is deleted. */
function patchedBy(object: KubeObject, { target, patch }: Patch): KubeObject | undefined {
  const { kind, metadata } = object;
  if (kind !== target.kind || !new RegExp(`^(?:${target.name})$`).test(metadata.name)) return object;
  const { $patch, metadata: set } = parse(patch) as { $patch?: string; metadata: KubeObject['metadata'] };
  if ($patch === 'delete') return undefined;
  assert($patch === undefined && set.labels, 'deploy/ has no patches but those that delete or label');
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, ...set.labels } } };
}
