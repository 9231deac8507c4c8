import type { Job, Pod } from '../../../../shared/kube/object.ts';
import { podOfTemplate } from '../pod-of-template.ts';
import { trackingFinalizer } from './decide.ts';

export function jobPod(job: Job): Pod {
  return podOfTemplate(job, job.spec.template, { finalizers: [trackingFinalizer] });
}
