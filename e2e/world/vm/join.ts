import type { Runtime } from '../../../shared/kube/runtime.ts';
import type { SpokeCluster } from '../fleet/spoke-cluster.ts';
import type { MachineOptions } from './machine.ts';
import { startVmNode, type VmNode } from './vm-node.ts';

export interface JoinOptions extends MachineOptions {
  readonly spoke: SpokeCluster;
  /** On a real clock. */
  readonly runtime: Runtime;
  readonly name: string;
  readonly registry: { readonly caPem: string };
}

/** Starts a machine and makes it a worker of a fleet's cluster. It ends before the fleet does. */
export async function joinMachine({ spoke, ...options }: JoinOptions): Promise<VmNode> {
  const client = await spoke.plane.connect(`system:node:${options.name}`);
  const node = await startVmNode({ ...options, client });
  await spoke.labelNode(options.name);
  return node;
}
