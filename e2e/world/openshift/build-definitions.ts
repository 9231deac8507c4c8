import { builds, imageStreams } from '../../../shared/build/openshift-kinds.ts';
import type { KubeObject, Resource } from '../../../shared/kube/object.ts';
import type { Definition } from '../api-server/definitions.ts';

type Schema = Record<string, unknown>;

const text: Schema = { type: 'string' };
const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const object = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  ...open,
  properties,
  ...(required.length > 0 && { required }),
});

const buildSpec = object(
  {
    serviceAccount: text,
    source: object({ type: text, dockerfile: text }),
    strategy: object({ type: { ...text, enum: ['Docker', 'Source', 'Custom', 'JenkinsPipeline'] } }, ['type']),
    output: object({ to: object({ kind: text, name: text }, ['kind', 'name']) }),
    completionDeadlineSeconds: { type: 'integer', format: 'int64', minimum: 1 },
  },
  ['strategy'],
);
const buildStatus = object({
  phase: text,
  cancelled: { type: 'boolean' },
  reason: text,
  message: text,
  logSnippet: text,
});
const tag = object({ name: text, from: object({ kind: text, name: text }, ['name']) }, ['name']);

/**
 * Stands for what OpenShift serves by a program of its own: Builds and ImageStreams, as far as we know them. There a
 * Build's status is no subresource but written with the object; nobody here but its controller writes it.
 */
export function buildDefinitions(): Definition[] {
  return [
    definition(builds, { spec: buildSpec, status: buildStatus }),
    definition(imageStreams, { spec: object({ tags: { type: 'array', items: tag } }), status: open }),
  ];
}

function definition(
  { group, version, kind, plural }: Resource<KubeObject>,
  properties: Record<string, Schema>,
): Definition {
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
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
