import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../../shared/core/record.ts';
import { defaultPodSpec } from '../defaults/pod.ts';
import { setDefaults } from '../defaults/set-defaults.ts';
import type { Cause } from '../failures.ts';
import { invalidValue, required } from '../field-causes.ts';
import { type ApiObject, valueAt } from '../object.ts';
import { containerCauses } from './pod-strategy.ts';
import type { Strategy } from './served-kind.ts';

/** batch/v1 Jobs as far as ours go: no indexes, no policies of failure or success. */
export const jobStrategy: Strategy = {
  prepareCreate(next) {
    next.status = {};
    selectOwnPods(next);
  },
  applyDefaults({ spec }) {
    if (!isRecord(spec)) return;
    setDefaults(spec, {
      ...(spec['completions'] === undefined && spec['parallelism'] === undefined && { completions: 1 }),
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    });
    const template = spec['template'];
    if (!isRecord(template)) return;
    setDefaults(template, { metadata: {} });
    defaultPodSpec(template['spec']);
  },
  validate: jobCauses,
  generationPart: ({ spec }) => spec,
  unconditionalUpdate: true,
  orphansByDefault: true,
};

/** The server itself writes the labels by which a Job finds its pods: its uid is in them. */
function selectOwnPods({ metadata, spec }: ApiObject): void {
  if (!isRecord(spec) || !isRecord(spec['template']) || spec['manualSelector'] === true) return;
  const { uid = '', name } = metadata;
  const template = spec['template'];
  const templateMetadata = isRecord(template['metadata']) ? template['metadata'] : {};
  const labels = isRecord(templateMetadata['labels']) ? templateMetadata['labels'] : {};
  const own = { 'controller-uid': uid, 'job-name': name };
  const prefixed = Object.fromEntries(Object.entries(own).map(([key, value]) => [`batch.kubernetes.io/${key}`, value]));
  template['metadata'] = { ...templateMetadata, labels: { ...labels, ...own, ...prefixed } };
  spec['selector'] = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
}

function jobCauses(next: ApiObject, previous: ApiObject | undefined): Cause[] {
  const { spec } = next;
  if (!isRecord(spec)) return [required('spec')];
  const causes = containerCauses(valueAt(spec, ['template', 'spec']), 'spec.template.spec');
  const policy = valueAt(spec, ['template', 'spec', 'restartPolicy']);
  if (policy === 'Always') {
    causes.push({
      reason: 'FieldValueRequired',
      field: 'spec.template.spec.restartPolicy',
      message: 'Required value: valid values: "OnFailure", "Never"',
    });
  }
  for (const field of ['selector', 'template', 'completionMode']) {
    if (previous === undefined || isDeepStrictEqual(valueAt(previous, ['spec', field]), spec[field])) continue;
    causes.push(invalidValue(`spec.${field}`, spec[field], 'field is immutable'));
  }
  return causes;
}
