import { withoutPlus } from '../shared/kernel/version.ts';
import type { Node } from '../shared/kube/object.ts';

/** The kernel release as the node reports it, with its `+` if it has one. */
export function releaseOf(node: Node): string {
  return node.status?.nodeInfo?.kernelVersion ?? '';
}

export function kernelOf(node: Node): string {
  return withoutPlus(releaseOf(node));
}

/** As in `kubernetes.io/arch`; undefined when the node never reported one. */
export function architectureOf(node: Node): string | undefined {
  return node.status?.nodeInfo?.architecture || undefined;
}

/** Empty when the node never reported one. */
export function bootIdOf(node: Node): string {
  return node.status?.nodeInfo?.bootID ?? '';
}

export function readyOf(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** What the spoke keeps of a Node: a full one has kilobytes of image names, and its heartbeat must wake nobody. */
export function slimNode(node: Node): Node {
  const { name, uid, resourceVersion, labels, annotations } = node.metadata;
  const ours = Object.entries(annotations ?? {}).filter(([key]) => key.startsWith('kmm.node.kubernetes.io/'));
  const { kernelVersion = '', bootID = '', architecture = '' } = node.status?.nodeInfo ?? {};
  return {
    apiVersion: node.apiVersion,
    kind: node.kind,
    metadata: { name, uid, resourceVersion, labels, annotations: Object.fromEntries(ours) } as Node['metadata'],
    spec: { taints: node.spec?.taints ?? [] },
    status: {
      nodeInfo: { kernelVersion, bootID, architecture } as NonNullable<NonNullable<Node['status']>['nodeInfo']>,
      conditions: (node.status?.conditions ?? [])
        .filter(({ type }) => type === 'Ready')
        .map(({ type, status }) => ({ type, status })) as NonNullable<NonNullable<Node['status']>['conditions']>,
    },
  };
}

/** Whether anything changed that the spoke looks at: a heartbeat alone does not. */
export function sameNode(a: Node | undefined, b: Node | undefined): boolean {
  return factsOf(a) === factsOf(b);
}

function factsOf(node: Node | undefined): string {
  if (node === undefined) return '';
  const { metadata, spec } = node;
  return JSON.stringify([
    metadata.uid,
    metadata.labels,
    metadata.annotations,
    spec?.taints,
    releaseOf(node),
    bootIdOf(node),
    readyOf(node),
  ]);
}
