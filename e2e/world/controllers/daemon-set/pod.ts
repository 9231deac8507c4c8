import { contentHash } from '../../../../shared/core/hash.ts';
import type { DaemonSet, Pod } from '../../../../shared/kube/object.ts';
import { podOfTemplate } from '../pod-of-template.ts';
import { daemonTolerations } from './placement.ts';

export const hashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';

/** Which template a pod was made from. */
export function templateHash(daemonSet: DaemonSet): string {
  return contentHash(daemonSet.spec.template).slice(0, 10);
}

function templateGeneration(daemonSet: DaemonSet): string | undefined {
  return daemonSet.metadata.annotations?.[generationAnnotation];
}

export function isUpdated(pod: Pod, daemonSet: DaemonSet): boolean {
  const { labels = {} } = pod.metadata;
  if (labels[hashLabel] === templateHash(daemonSet)) return true;
  const generation = templateGeneration(daemonSet);
  return generation !== undefined && labels[generationLabel] === generation;
}

/** The pod for one node. Kubernetes leaves the binding to the scheduler; here the node's name stands in it from the start. */
export function daemonPod(daemonSet: DaemonSet, nodeName: string): Pod {
  const generation = templateGeneration(daemonSet);
  return podOfTemplate(daemonSet, daemonSet.spec.template, {
    labels: {
      [hashLabel]: templateHash(daemonSet),
      ...(generation !== undefined && { [generationLabel]: generation }),
    },
    spec: { nodeName, tolerations: daemonTolerations(daemonSet) },
  });
}
