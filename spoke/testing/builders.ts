import type { Module, ModuleSpec } from '@open-cluster-management/api-types';
import { normalised, withoutPlus } from '../../shared/kernel/version.ts';
import { annotations, finalizers, labels } from '../../shared/kube/names.ts';
import type { ContainerStatus, Node, Pod } from '../../shared/kube/object.ts';
import { containers, devicePluginRole } from '../pods.ts';
import type { SpokeSettings } from '../settings.ts';

/** Objects as a test needs them: complete enough to be real, with everything that matters to it given. */

export const kernelA = '6.1.0-17-amd64';
export const kernelB = '6.1.0-18-amd64';
export const settings: SpokeSettings = {
  toolsImage: 'example.com/tools:1',
  operatorNamespace: 'openshift-kmm',
  worker: { runAsUser: 0, seLinuxType: 'spc_t' },
};

export function buildModule(spec: Partial<ModuleSpec> = {}, metadata: Partial<Module['metadata']> = {}): Module {
  return {
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata: {
      name: 'simple',
      namespace: 'modules',
      uid: 'module-uid',
      resourceVersion: '1',
      generation: 1,
      ...metadata,
    },
    spec: {
      selector: { worker: '' },
      moduleLoader: {
        container: {
          modprobe: { moduleName: 'simple_kmod', dirName: '/opt' },
          kernelMappings: [{ regexp: '^6\\.1\\.0-1[78]-', containerImage: 'example.com/simple:$KERNEL_FULL_VERSION' }],
        },
      },
      ...spec,
    },
  } as Module;
}

export interface NodeOptions {
  release?: string;
  boot?: string;
  ready?: boolean;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  taints?: { key: string; value?: string; effect: string }[];
}

export function buildNode(name: string, options: NodeOptions = {}): Node {
  const { release = kernelA, boot = `boot-of-${name}`, ready = true, taints = [] } = options;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `node-${name}`,
      resourceVersion: '1',
      labels: { worker: '', [labels.kernelVersion]: normalised(withoutPlus(release)), ...options.labels },
      annotations: { ...options.annotations },
    },
    spec: { taints },
    status: {
      nodeInfo: { kernelVersion: release, bootID: boot },
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  } as unknown as Node;
}

export interface LoaderOptions {
  hash?: string;
  kernel?: string;
  ready?: boolean;
  /** What the tools container left; `null`: kubelet lost it. */
  sandboxBoot?: string | null;
  container?: string;
  status?: Partial<ContainerStatus>;
  phase?: string;
  deleted?: boolean;
  final?: boolean;
  marked?: boolean;
  module?: string;
  namespace?: string;
  uid?: string;
}

/** A loader pod on `node`, running under the node's boot unless told otherwise. */
export function buildLoader(node: string, options: LoaderOptions = {}): Pod {
  const { hash = 'hash', kernel = kernelA, ready = true, container = `${node}-c1`, module = 'simple' } = options;
  const boot = options.sandboxBoot === undefined ? `boot-of-${node}` : options.sandboxBoot;
  const uid = options.uid ?? `loader-${module}-${node}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: uid,
      namespace: options.namespace ?? 'modules',
      uid,
      resourceVersion: '1',
      labels: { [labels.moduleName]: module, [labels.kernelVersion]: kernel },
      annotations: { [annotations.loadHash]: hash, ...(options.marked && { [annotations.replace]: hash }) },
      finalizers: [finalizers.nodeLabeler],
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'simple-1', uid: 'ds', controller: true }],
      ...(options.deleted && {
        deletionTimestamp: '2026-01-01T00:00:00Z',
        deletionGracePeriodSeconds: options.final ? 0 : 90,
      }),
    },
    spec: { nodeName: node, containers: [{ name: containers.loader }] },
    status: {
      phase: options.phase ?? 'Running',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      initContainerStatuses: boot === null ? [] : [toolsEnded(boot)],
      containerStatuses: [
        {
          name: containers.loader,
          containerID: container,
          restartCount: 0,
          state: { running: { startedAt: '2026-01-01T00:00:02Z' } },
          lastState: {},
          ...options.status,
        },
      ],
    },
  } as unknown as Pod;
}

export function buildPlugin(
  node: string,
  options: { ready?: boolean; deleted?: boolean; namespace?: string; hash?: string } = {},
): Pod {
  const { ready = true, deleted = false, namespace = 'modules', hash } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `plugin-${node}`,
      namespace,
      uid: `plugin-${namespace}-${node}`,
      labels: { [labels.moduleName]: 'simple', [labels.role]: devicePluginRole },
      annotations: hash === undefined ? {} : { [annotations.templateHash]: hash },
      ...(deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { nodeName: node, containers: [{ name: containers.plugin }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as unknown as Pod;
}

/** State of a container that ended with a line of the loader script. */
export function ended(result: Record<string, unknown>, exitCode = 1) {
  return {
    terminated: {
      exitCode,
      reason: 'Error',
      startedAt: '2026-01-01T00:00:02Z',
      finishedAt: '2026-01-01T00:00:03Z',
      containerID: 'ended',
      message: `${JSON.stringify(result)}\n`,
    },
  } as unknown as NonNullable<ContainerStatus['state']>;
}

function toolsEnded(boot: string): ContainerStatus {
  return {
    name: containers.tools,
    restartCount: 0,
    state: {
      terminated: {
        exitCode: 0,
        startedAt: '2026-01-01T00:00:01Z',
        finishedAt: '2026-01-01T00:00:01Z',
        message: JSON.stringify({ boot }),
      },
    },
  } as unknown as ContainerStatus;
}
