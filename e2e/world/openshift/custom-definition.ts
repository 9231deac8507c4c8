import type { KubeObject, Resource } from '../../../shared/kube/object.ts';
import type { Definition } from '../api-server/definitions.ts';

export type Schema = Record<string, unknown>;

/** A definition of one version, with `properties` beside what all objects have, and a status of its own. */
export function customDefinition(
  { group, version, kind, plural, namespaced }: Resource<KubeObject>,
  properties: Record<string, Schema>,
): Definition {
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: { kind, plural, singular, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties } },
          subresources: { status: {} },
        },
      ],
    },
  };
}
