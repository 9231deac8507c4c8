import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../../shared/core/record.ts';
import type { Cause } from '../failures.ts';
import { forbiddenField, invalidValue, required } from '../field-causes.ts';
import type { ApiObject } from '../object.ts';
import { dataKeyFault } from '../validation/names.ts';
import { daemonSetStrategy } from './daemon-set-strategy.ts';
import { definitionStrategy } from './definition-strategy.ts';
import { jobStrategy } from './job-strategy.ts';
import { podStrategy } from './pod-strategy.ts';
import type { Strategy } from './served-kind.ts';

const specPart = (object: ApiObject) => object.spec;

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

/** What ConfigMaps and Secrets share. */
function dataCauses(next: ApiObject, previous: ApiObject | undefined): Cause[] {
  const causes = ['data', 'binaryData'].flatMap((field) =>
    Object.keys(isRecord(next[field]) ? next[field] : {}).flatMap((key) => {
      const fault = dataKeyFault(key);
      return fault === undefined ? [] : [invalidValue(`${field}[${key}]`, key, fault)];
    }),
  );
  if (previous?.['immutable'] !== true) return causes;
  for (const field of ['immutable', 'data', 'binaryData']) {
    if (isDeepStrictEqual(previous[field], next[field])) continue;
    causes.push(forbiddenField(field, 'field is immutable when `immutable` is set'));
  }
  return causes;
}

const secretStrategy: Strategy = {
  applyDefaults(next) {
    next['type'] ??= 'Opaque';
    const { stringData } = next;
    if (!isRecord(stringData)) return;
    const texts = Object.entries(stringData).map(([key, value]) => [
      key,
      Buffer.from(String(value)).toString('base64'),
    ]);
    next['data'] = { ...(isRecord(next['data']) ? next['data'] : {}), ...Object.fromEntries(texts) };
    delete next['stringData'];
  },
  validate: (next, previous) => [
    ...(previous === undefined || previous['type'] === next['type']
      ? []
      : [invalidValue('type', next['type'], 'field is immutable')]),
    ...dataCauses(next, previous),
  ],
  unconditionalUpdate: true,
};

const controllerRevisionStrategy: Strategy = {
  validate: (next, previous) =>
    previous === undefined || isDeepStrictEqual(previous['data'], next['data'])
      ? []
      : [invalidValue('data', next['data'], 'field is immutable')],
  unconditionalUpdate: true,
};

const withSpec: Strategy = {
  prepareCreate(next) {
    delete next.status;
  },
  generationPart: specPart,
  unconditionalUpdate: true,
};

/** An event about an object of no namespace stands in `default`. */
function placeCauses({ metadata, regarding }: ApiObject): Cause[] {
  const namespace = isRecord(regarding) ? (regarding['namespace'] ?? '') : '';
  const { namespace: own = '' } = metadata;
  if (namespace === own || (namespace === '' && own === 'default')) return [];
  return [invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')];
}

/** What events.k8s.io insists on, and core/v1 does not. */
function newEventCauses(next: ApiObject, previous: ApiObject | undefined): Cause[] {
  const needed = ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason'];
  const absent = previous === undefined ? needed.filter((field) => !next[field]) : [];
  const isKnown = next['type'] === 'Normal' || next['type'] === 'Warning';
  return [
    ...placeCauses(next),
    ...absent.map((field) => required(field)),
    ...(isKnown ? [] : [invalidValue('type', next['type'] ?? '', 'has invalid value')]),
  ];
}

/** By kind (and group, where it matters); a kind that is not here has no generation and no defaults. */
export const strategies: Readonly<Record<string, Strategy>> = {
  Pod: podStrategy,
  Namespace: namespaceStrategy,
  Node: { unconditionalUpdate: true },
  Secret: secretStrategy,
  ConfigMap: { validate: dataCauses, unconditionalUpdate: true },
  ServiceAccount: { unconditionalUpdate: true },
  Event: { validate: placeCauses, unconditionalUpdate: true },
  'events.k8s.io/Event': { validate: newEventCauses, unconditionalUpdate: true },
  ControllerRevision: controllerRevisionStrategy,
  Service: { unconditionalUpdate: true },
  DaemonSet: daemonSetStrategy,
  Deployment: withSpec,
  Job: jobStrategy,
  NetworkPolicy: { generationPart: specPart, unconditionalUpdate: true },
  CustomResourceDefinition: definitionStrategy,
};
