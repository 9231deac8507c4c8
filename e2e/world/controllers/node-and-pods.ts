import { Cache } from '../../../shared/kube/cache.ts';
import { nodes, pods } from '../../../shared/kube/resources.ts';
import type { WorldControllerOptions } from './options.ts';

/** Nodes, and pods found by the name of their node in the index `node`; those that have none yet by the empty name. */
export function nodeAndPods({ client, runtime }: WorldControllerOptions) {
  return {
    nodeCache: new Cache({ client, runtime, resource: nodes }),
    podCache: new Cache({ client, runtime, resource: pods, indexes: { node: ({ spec }) => [spec.nodeName ?? ''] } }),
  };
}
