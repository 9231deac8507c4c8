import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../../shared/core/record.ts';
import { admitPodSpec, defaultPodSpec } from '../defaults/pod.ts';
import type { Cause } from '../failures.ts';
import { forbiddenField, required } from '../field-causes.ts';
import { type ApiObject, copyOf, valueAt } from '../object.ts';
import type { Strategy } from './served-kind.ts';

const graceSecondsDefault = 30;

export const podStrategy: Strategy = {
  prepareCreate(next) {
    next.status = { phase: 'Pending', qosClass: 'BestEffort' };
    admitPodSpec(next.spec);
  },
  applyDefaults: (next) => defaultPodSpec(next.spec),
  validate: (next, previous) => [
    ...containerCauses(next.spec, 'spec'),
    ...(previous === undefined ? [] : changeCauses(next, previous)),
  ],
  generationPart: (object) => object.spec,
  /** Kubelet ends what was scheduled and is not over; all else goes at once. */
  gracePeriodSeconds(object, asked) {
    const phase = valueAt(object, ['status', 'phase']);
    const scheduled = Boolean(valueAt(object, ['spec', 'nodeName']));
    if (!scheduled || phase === 'Failed' || phase === 'Succeeded') return 0;
    const own = valueAt(object, ['spec', 'terminationGracePeriodSeconds']);
    return Math.max(0, asked ?? (typeof own === 'number' ? own : graceSecondsDefault));
  },
  unconditionalUpdate: true,
};

/** What a pod, or a template of one, cannot be without. */
export function containerCauses(spec: unknown, path: string): Cause[] {
  const containers = isRecord(spec) ? spec['containers'] : undefined;
  if (!Array.isArray(containers) || containers.length === 0) return [required(`${path}.containers`)];
  return containers.flatMap((container, index) => {
    const at = `${path}.containers[${index}]`;
    const { name, image } = isRecord(container) ? container : {};
    return [...(name ? [] : [required(`${at}.name`)]), ...(image ? [] : [required(`${at}.image`)])];
  });
}

const unchangeable =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function changeCauses(next: ApiObject, previous: ApiObject): Cause[] {
  if (isDeepStrictEqual(fixedPart(next.spec), fixedPart(previous.spec))) return [];
  return [forbiddenField('spec', unchangeable)];
}

function fixedPart(spec: unknown): unknown {
  if (!isRecord(spec)) return spec;
  const { activeDeadlineSeconds: _, tolerations: __, ...rest } = copyOf(spec);
  for (const field of ['containers', 'initContainers']) {
    const list = rest[field];
    if (Array.isArray(list)) for (const container of list) if (isRecord(container)) delete container['image'];
  }
  return rest;
}
