import { rfc3339 } from '../../../shared/core/clock.ts';
import type { Node } from '../../../shared/kube/object.ts';
import type { Taint } from './admission.ts';
import { loopback } from './downward.ts';

export const kubeletVersion = 'v1.36.0';

export interface NodeFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly osImage?: string | undefined;
  readonly bootID: string;
  readonly nowMs: number;
}

type NodeStatus = NonNullable<Node['status']>;
type NodeCondition = NonNullable<NodeStatus['conditions']>[number];

/** The Node that kubelet registers when there is none. */
export function newNode(facts: NodeFacts): Node {
  const taints = facts.taints.map((taint) => ({ ...taint }));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: facts.name, labels: { ...ownLabels(facts), ...facts.labels } },
    ...(taints.length > 0 && { spec: { taints } }),
    status: nodeStatus(facts, []),
  };
}

/** The labels that kubelet keeps right on a Node that is there already; all others are left alone. */
export function ownLabels({ name, architecture }: NodeFacts): Record<string, string> {
  return { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture };
}

/** What kubelet says of its node; conditions of other writers stay. */
export function nodeStatus(facts: NodeFacts, present: readonly NodeCondition[]): NodeStatus {
  const resources = { cpu: '8', memory: '16Gi', pods: '110', 'ephemeral-storage': '100Gi' };
  const wanted = conditionsOf(facts, present);
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: loopback },
      { type: 'Hostname', address: facts.name },
    ],
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootID,
      containerRuntimeVersion: 'containerd://2.2.0',
      kernelVersion: facts.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: facts.name,
      operatingSystem: 'linux',
      osImage: facts.osImage ?? 'Modelled Linux',
      systemUUID: facts.name,
    },
    conditions: [...wanted, ...present.filter(({ type }) => !wanted.some((condition) => condition.type === type))],
  };
}

function conditionsOf(facts: NodeFacts, present: readonly NodeCondition[]): NodeCondition[] {
  const now = rfc3339(facts.nowMs);
  const states: [string, string, string, string][] = [
    ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
  ];
  return states.map(([type, status, reason, message]) => {
    const before = present.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : undefined;
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: lastTransitionTime ?? now };
  });
}
