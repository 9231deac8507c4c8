import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../../shared/core/record.ts';
import { defaultPodSpec } from '../defaults/pod.ts';
import { setDefaults } from '../defaults/set-defaults.ts';
import type { Cause } from '../failures.ts';
import { invalidValue, required } from '../field-causes.ts';
import { type ApiObject, valueAt } from '../object.ts';
import { labelCauses } from '../validation/metadata.ts';
import { containerCauses } from './pod-strategy.ts';
import type { Strategy } from './served-kind.ts';

const templateGeneration = 'deprecated.daemonset.template.generation';

export const daemonSetStrategy: Strategy = {
  prepareCreate(next) {
    next.status = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
    setTemplateGeneration(next, 1);
  },
  prepareUpdate(next, previous) {
    const before = Number(previous.metadata.annotations?.[templateGeneration] ?? 0);
    // Defaults first: a template that only lacks them is the same template.
    applyDaemonSetDefaults(next);
    const same = isDeepStrictEqual(templateOf(next), templateOf(previous));
    setTemplateGeneration(next, same ? before : before + 1);
  },
  applyDefaults: applyDaemonSetDefaults,
  validate: daemonSetCauses,
  generationPart: (object) => object.spec,
  unconditionalUpdate: true,
};

function setTemplateGeneration(object: ApiObject, generation: number): void {
  const { metadata } = object;
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

function templateOf(object: ApiObject): unknown {
  return valueAt(object, ['spec', 'template']);
}

function applyDaemonSetDefaults(next: ApiObject): void {
  const { spec } = next;
  if (!isRecord(spec)) return;
  setDefaults(spec, { revisionHistoryLimit: 10, updateStrategy: {} });
  const strategy = spec['updateStrategy'];
  if (isRecord(strategy)) {
    setDefaults(strategy, { type: 'RollingUpdate' });
    if (strategy['type'] === 'RollingUpdate') {
      setDefaults(strategy, { rollingUpdate: {} });
      if (isRecord(strategy['rollingUpdate']))
        setDefaults(strategy['rollingUpdate'], { maxSurge: 0, maxUnavailable: 1 });
    }
  }
  const template = spec['template'];
  if (!isRecord(template)) return;
  setDefaults(template, { metadata: {} });
  defaultPodSpec(template['spec']);
}

function daemonSetCauses(next: ApiObject, previous: ApiObject | undefined): Cause[] {
  const { spec } = next;
  if (!isRecord(spec)) return [required('spec')];
  const selector = valueAt(spec, ['selector', 'matchLabels']);
  const labels = valueAt(spec, ['template', 'metadata', 'labels']);
  const causes = [...containerCauses(valueAt(spec, ['template', 'spec']), 'spec.template.spec')];
  if (isRecord(labels)) causes.push(...labelCauses(labels as Record<string, string>, 'spec.template.labels'));
  // Without a selector nothing matches.
  if (!isRecord(spec['selector']) || (isRecord(selector) && !matches(selector, labels))) {
    const detail = '`selector` does not match template `labels`';
    causes.push(invalidValue('spec.template.metadata.labels', labels ?? null, detail));
  }
  const policy = valueAt(spec, ['template', 'spec', 'restartPolicy']);
  if (policy !== 'Always') {
    causes.push({
      reason: 'FieldValueNotSupported',
      field: 'spec.template.spec.restartPolicy',
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Always"`,
    });
  }
  const before = previous && valueAt(previous, ['spec', 'selector']);
  if (before !== undefined && !isDeepStrictEqual(before, spec['selector'])) {
    causes.push(invalidValue('spec.selector', spec['selector'], 'field is immutable'));
  }
  return causes;
}

function matches(selector: Record<string, unknown>, labels: unknown): boolean {
  return Object.entries(selector).every(([key, value]) => isRecord(labels) && labels[key] === value);
}
