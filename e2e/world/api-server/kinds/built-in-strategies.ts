import { type ApiObject, valueAt } from '../object.ts';
import { definitionStrategy } from './definition-strategy.ts';
import type { Strategy } from './served-kind.ts';

const specPart = (object: ApiObject) => object.spec;

function withoutStatus(next: ApiObject): void {
  delete next.status;
}

const podStrategy: Strategy = {
  prepareCreate(next) {
    next.status = { phase: 'Pending', qosClass: 'BestEffort' };
  },
  generationPart: specPart,
  gracePeriodSeconds(object, asked) {
    const phase = valueAt(object, ['status', 'phase']);
    const scheduled = Boolean(valueAt(object, ['spec', 'nodeName']));
    if (!scheduled || phase === 'Failed' || phase === 'Succeeded') return 0;
    const own = valueAt(object, ['spec', 'terminationGracePeriodSeconds']);
    return Math.max(0, asked ?? (typeof own === 'number' ? own : 30));
  },
  unconditionalUpdate: true,
};

const namespaceStrategy: Strategy = {
  prepareCreate(next) {
    const { metadata } = next;
    metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
    next.spec = { finalizers: ['kubernetes'] };
    next.status = { phase: 'Active' };
  },
  // spec.finalizers change through the finalize subresource only.
  prepareUpdate(next, previous) {
    next.spec = previous.spec;
  },
  unconditionalUpdate: true,
};

const withSpec: Strategy = { prepareCreate: withoutStatus, generationPart: specPart, unconditionalUpdate: true };

/** By kind; a kind that is not here has no generation and no defaults. */
export const strategies: Readonly<Record<string, Strategy>> = {
  Pod: podStrategy,
  Namespace: namespaceStrategy,
  Node: { unconditionalUpdate: true },
  Secret: { unconditionalUpdate: true },
  ConfigMap: { unconditionalUpdate: true },
  ServiceAccount: { unconditionalUpdate: true },
  Event: { unconditionalUpdate: true },
  ControllerRevision: { unconditionalUpdate: true },
  Service: { unconditionalUpdate: true },
  DaemonSet: withSpec,
  Deployment: withSpec,
  Job: { ...withSpec, orphansByDefault: true },
  NetworkPolicy: { generationPart: specPart, unconditionalUpdate: true },
  CustomResourceDefinition: definitionStrategy,
};
