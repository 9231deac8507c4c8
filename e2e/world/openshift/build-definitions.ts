import { builds, imageStreams } from '../../../shared/build/openshift-kinds.ts';
import type { Definition } from '../api-server/definitions.ts';
import { customDefinition, type Schema } from './custom-definition.ts';

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
    customDefinition(builds, { spec: buildSpec, status: buildStatus }),
    customDefinition(imageStreams, { spec: object({ tags: { type: 'array', items: tag } }), status: open }),
  ];
}
