import type { DevicePluginContainer, Module } from '@open-cluster-management/api-types';
import { labels, readyLabel } from '../../shared/kube/names.ts';
import type { DaemonSet, PodTemplate } from '../../shared/kube/object.ts';
import { withTemplateHash } from '../module-loader/loader-pod.ts';
import { containers, devicePluginRole } from '../pods.ts';
import type { SpokeSettings } from '../settings.ts';

type PodSpec = NonNullable<PodTemplate['spec']>;
type Container = PodSpec['containers'][number];

const socketFolder = { name: 'kubelet-device-plugins', path: '/var/lib/kubelet/device-plugins' };

export interface DevicePluginWish {
  module: Module;
  /** It runs only where the loader has set the ready label; without a loader wherever the selector matches. */
  behindLoader: boolean;
  settings: SpokeSettings;
}

export function devicePluginName(module: { name: string }): string {
  return `${module.name}-device-plugin`;
}

/** The DaemonSet of `spec.devicePlugin`, or `undefined` when the Module has none (behaviour s). */
export function devicePluginDaemonSet(wish: DevicePluginWish): DaemonSet | undefined {
  const { module } = wish;
  if (module.spec.devicePlugin === undefined) return undefined;
  const identity = { [labels.moduleName]: module.metadata.name, [labels.role]: devicePluginRole };
  const template = withTemplateHash({ metadata: { labels: identity }, spec: podSpec(wish) });
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name: devicePluginName(module.metadata),
      namespace: module.metadata.namespace as string,
      labels: identity,
    },
    spec: { selector: { matchLabels: identity }, updateStrategy: { type: 'RollingUpdate' }, template },
  };
}

function podSpec({ module, behindLoader, settings }: DevicePluginWish): PodSpec {
  const { devicePlugin, imageRepoSecret, tolerations, selector } = module.spec;
  const { namespace = '', name } = module.metadata;
  const serviceAccountName =
    devicePlugin?.serviceAccountName ||
    (namespace === settings.operatorNamespace ? 'kmm-operator-device-plugin' : undefined);
  const token = devicePlugin?.automountServiceAccountToken;
  const { container, initContainer, volumes = [] } = devicePlugin!;
  return {
    nodeSelector: { ...selector, ...(behindLoader && { [readyLabel(namespace, name)]: '' }) },
    priorityClassName: 'system-node-critical',
    ...(serviceAccountName && { serviceAccountName }),
    ...(token !== undefined && { automountServiceAccountToken: token }),
    ...(imageRepoSecret?.name && { imagePullSecrets: [{ name: imageRepoSecret.name }] }),
    ...(tolerations?.length && { tolerations: tolerations as NonNullable<PodSpec['tolerations']> }),
    ...(initContainer && { initContainers: [privileged(`${containers.plugin}-init`, initContainer)] }),
    containers: [
      privileged(containers.plugin, {
        ...container,
        volumeMounts: [...(container.volumeMounts ?? []), { name: socketFolder.name, mountPath: socketFolder.path }],
      }),
    ],
    volumes: [
      { name: socketFolder.name, hostPath: { path: socketFolder.path } },
      // The API's own volumes are core/v1's, checked when the pod is made.
      ...(volumes as NonNullable<PodSpec['volumes']>),
    ],
  };
}

function privileged(name: string, container: DevicePluginContainer): Container {
  return { ...(container as Omit<Container, 'name'>), name, securityContext: { privileged: true } };
}
