import type { NodeCounts } from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import type { DaemonSet } from '../../shared/kube/object.ts';
import type { Survey } from '../module-loader/survey.ts';
import { isServing } from '../pods.ts';

/**
 * Nodes that should have the plugin, and that have it as the present spec says: a Ready pod of an earlier template does
 * not count. Behind a loader these are the loader's nodes; without one the reachable nodes that the Module may use, so
 * that `available = desired - unreachable` holds for the hub (contract 5), which learns of loaders' nodes only.
 */
export function devicePluginCounts({ targets }: Survey, final: DaemonSet, hasLoader: boolean): NodeCounts {
  const hash = final.spec.template.metadata?.annotations?.[annotations.templateHash];
  const matching = targets.filter(({ selected, open, loaded }) => selected && (open || loaded));
  const desired = matching.filter((target) => (hasLoader ? target.desired : target.reachable));
  const available = desired.filter(({ node, plugins }) =>
    plugins.some((pod) => isServing(pod, node) && pod.metadata.annotations?.[annotations.templateHash] === hash),
  );
  return {
    nodesMatchingSelectorNumber: matching.length,
    desiredNumber: desired.length,
    availableNumber: available.length,
  };
}
