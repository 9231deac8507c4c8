import type { KubeObject, Pod, PodTemplate } from '../../../shared/kube/object.ts';

export interface PodExtras {
  readonly labels?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly spec?: Partial<Pod['spec']>;
}

/** The pod that a controller makes of its object's template, under a name of its own, owned by it. */
export function podOfTemplate(
  { apiVersion, kind, metadata: { name, namespace, uid = '' } }: KubeObject,
  template: PodTemplate,
  extras: PodExtras = {},
): Pod {
  const { annotations } = template.metadata ?? {};
  const labels = { ...template.metadata?.labels, ...extras.labels };
  const finalizers = [...(template.metadata?.finalizers ?? []), ...(extras.finalizers ?? [])];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${name}-`,
      ...(namespace !== undefined && { namespace }),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers.length > 0 && { finalizers }),
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: { ...template.spec, ...extras.spec } as Pod['spec'],
  };
}
