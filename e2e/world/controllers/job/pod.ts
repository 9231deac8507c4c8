import type { Job, Pod } from '../../../../shared/kube/object.ts';
import { trackingFinalizer } from './decide.ts';

export function jobPod(job: Job): Pod {
  const { template } = job.spec;
  const { name, namespace, uid } = job.metadata;
  const { labels, annotations, finalizers = [] } = template.metadata ?? {};
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid: uid ?? '' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${name}-`,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
      finalizers: [...finalizers, trackingFinalizer],
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: { ...template.spec } as Pod['spec'],
  };
}
