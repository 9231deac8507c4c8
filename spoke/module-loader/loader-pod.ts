import type { ModprobeSpec, Module } from '@open-cluster-management/api-types';
import { contentHash } from '../../shared/core/hash.ts';
import type { ResolvedMapping } from '../../shared/kernel/mapping.ts';
import { normalised } from '../../shared/kernel/version.ts';
import { annotations, finalizers, labels } from '../../shared/kube/names.ts';
import type { PodTemplate } from '../../shared/kube/object.ts';
import { containers } from '../pods.ts';
import { firmwareHostPathDefault, type SpokeSettings, type WorkerSettings } from '../settings.ts';
import { pressureTolerations } from '../taints.ts';
import { loadHash } from './load-hash.ts';
import { dirNameDefault, loadArguments, unloadArguments } from './modprobe-arguments.ts';
import type { Pin } from './pin.ts';
import { softdepFile } from './softdep.ts';

type PodSpec = NonNullable<PodTemplate['spec']>;
type Container = PodSpec['containers'][number];
type Volume = NonNullable<PodSpec['volumes']>[number];

/** One kernel's loader: the Module, and what its mappings say for that kernel. */
export interface Loader {
  module: Module;
  mapping: ResolvedMapping;
  settings: SpokeSettings;
  /** Of an image that is made on this cluster. */
  pin?: Pin | undefined;
}

export const script = ['/kmm/busybox', 'sh', '/kmm/loader.sh'] as const;
/** Where the script finds the node's firmware folder, whatever that is called on the node. */
const firmwareDirectory = '/var/lib/firmware';
/**
 * Beside installing the script, the init container leaves the node's boot id as its termination message: that is how a pod
 * proves under which boot its containers started (boots.ts). Shell built-ins only; constant text.
 */
const installAndTellBoot = `. "\${ROOT:-}/install.sh"
read -r boot <"\${ROOT:-}/proc/sys/kernel/random/boot_id" || [ -n "$boot" ]
printf '{"boot":"%s"}\\n' "$boot" >"\${ROOT:-}/dev/termination-log"`;

/** preStop tries to unload for a minute; half of one is for the rest (contract 9). */
const graceSeconds = 90;

export function hashOf({ module, mapping, settings }: Loader): string {
  const { containerImage, kernelVersion, inTreeModulesToRemove } = mapping;
  const modprobe = modprobeOf(module);
  const firmwareHostPath = searchPathOf(modprobe, settings.worker);
  return loadHash({ image: containerImage, kernel: kernelVersion, modprobe, inTreeModulesToRemove, firmwareHostPath });
}

/** Of a loader pod, or of the template of one. */
export function loadHashOf({ metadata }: Pick<PodTemplate, 'metadata'>): string | undefined {
  return metadata?.annotations?.[annotations.loadHash];
}

/** What the loader tells the kernel to look for firmware in; undefined: nothing. */
function searchPathOf({ firmwarePath }: ModprobeSpec, { firmwareHostPath }: WorkerSettings): string | undefined {
  return (firmwarePath && firmwareHostPath) || undefined;
}

/** The pod template of a kernel's loader DaemonSet (contract 9, Pod). */
export function loaderTemplate(loader: Loader): PodTemplate {
  const { module, mapping } = loader;
  const order = orderOf(modprobeOf(module));
  const template = {
    metadata: {
      labels: {
        [labels.moduleName]: module.metadata.name,
        [labels.kernelVersion]: normalised(mapping.kernelVersion),
      },
      annotations: {
        [annotations.loadHash]: hashOf(loader),
        ...(order.length > 0 && { [annotations.modulesOrder]: softdepFile(order) }),
      },
      finalizers: [finalizers.nodeLabeler],
    },
    spec: podSpec(loader),
  };
  return withTemplateHash(template);
}

/** Lets a pod tell by which template it was made, whatever Kubernetes numbers its revisions. */
export function withTemplateHash(template: PodTemplate): PodTemplate {
  const { metadata } = template;
  const hash = contentHash(template);
  return {
    ...template,
    metadata: { ...metadata, annotations: { ...metadata?.annotations, [annotations.templateHash]: hash } },
  };
}

function podSpec({ module, mapping, settings }: Loader): PodSpec {
  const modprobe = modprobeOf(module);
  const { imageRepoSecret, tolerations = [] } = module.spec;
  const serviceAccountName = serviceAccountOf(module, settings);
  return {
    nodeSelector: { ...module.spec.selector, [labels.kernelVersion]: normalised(mapping.kernelVersion) },
    priorityClassName: 'system-node-critical',
    terminationGracePeriodSeconds: graceSeconds,
    automountServiceAccountToken: false,
    ...(serviceAccountName && { serviceAccountName }),
    ...(imageRepoSecret?.name && { imagePullSecrets: [{ name: imageRepoSecret.name }] }),
    tolerations: [...tolerations, ...pressureTolerations] as NonNullable<PodSpec['tolerations']>,
    initContainers: [toolsContainer(settings)],
    containers: [loaderContainer({ module, mapping, settings }, modprobe)],
    volumes: volumes(modprobe, settings.worker),
  };
}

function toolsContainer({ toolsImage }: SpokeSettings): Container {
  return {
    name: containers.tools,
    image: toolsImage,
    command: ['/busybox', 'sh', '-c', installAndTellBoot],
    resources: smallRequests(),
    securityContext: { runAsUser: 0, allowPrivilegeEscalation: false },
    volumeMounts: [{ name: 'tools', mountPath: '/kmm' }],
  };
}

function loaderContainer(loader: Loader, modprobe: ModprobeSpec): Container {
  const { imagePullPolicy } = loader.module.spec.moduleLoader?.container ?? {};
  return {
    name: containers.loader,
    image: loader.mapping.containerImage,
    ...(imagePullPolicy && { imagePullPolicy }),
    command: [...script, 'run', ...loadArguments(modprobe)],
    env: environment(loader, modprobe),
    lifecycle: { preStop: { exec: { command: [...script, 'unload', ...unloadArguments(modprobe)] } } },
    // No startup or liveness probe: a failing one would run preStop and unload (contract 9).
    readinessProbe: { exec: { command: [...script, 'ready'] }, periodSeconds: 5, timeoutSeconds: 10 },
    resources: smallRequests(),
    securityContext: securityContext(modprobe, loader.settings.worker),
    volumeMounts: mounts(modprobe),
  };
}

/** sysfs can be written by a privileged container only, which then has SYS_MODULE too (contract 9). */
function securityContext(modprobe: ModprobeSpec, worker: WorkerSettings): NonNullable<Container['securityContext']> {
  const { runAsUser, seLinuxType } = worker;
  const rights =
    searchPathOf(modprobe, worker) === undefined
      ? { allowPrivilegeEscalation: false, capabilities: { add: ['SYS_MODULE'] } }
      : { privileged: true };
  return { runAsUser, ...rights, seLinuxOptions: { type: seLinuxType } };
}

function environment(loader: Loader, modprobe: ModprobeSpec): NonNullable<Container['env']> {
  const { module, mapping, settings } = loader;
  const searchPath = searchPathOf(modprobe, settings.worker);
  const raw = modprobe.rawArgs !== undefined;
  const values: Record<string, string> = {
    KMM_MODULE: `${module.metadata.namespace}.${module.metadata.name}`,
    KMM_HASH: hashOf(loader),
    KMM_KERNEL: mapping.kernelVersion,
    KMM_DIR: modprobe.dirName ?? dirNameDefault,
    KMM_MODULE_NAME: raw ? '' : (modprobe.moduleName ?? ''),
    KMM_ORDER: orderOf(modprobe).join(' '),
    KMM_IN_TREE: mapping.inTreeModulesToRemove.join(' '),
    KMM_FIRMWARE: modprobe.firmwarePath ?? '',
    ...(searchPath !== undefined && { KMM_FIRMWARE_SEARCH_PATH: searchPath }),
    ...(raw && { KMM_RAW: '1' }),
  };
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

function volumes(modprobe: ModprobeSpec, worker: WorkerSettings): Volume[] {
  const firmware = worker.firmwareHostPath ?? firmwareHostPathDefault;
  return [
    { name: 'tools', emptyDir: {} },
    { name: 'lib-modules', hostPath: { path: '/lib/modules', type: 'Directory' } },
    { name: 'run-kmm', hostPath: { path: '/run/kmm', type: 'DirectoryOrCreate' } },
    ...(modprobe.firmwarePath ? [{ name: 'firmware', hostPath: { path: firmware, type: 'DirectoryOrCreate' } }] : []),
    ...(orderOf(modprobe).length > 0 ? [softdepVolume()] : []),
  ];
}

function mounts(modprobe: ModprobeSpec): NonNullable<Container['volumeMounts']> {
  return [
    { name: 'tools', mountPath: '/kmm', readOnly: true },
    { name: 'lib-modules', mountPath: '/lib/modules', readOnly: true },
    { name: 'run-kmm', mountPath: '/run/kmm' },
    ...(modprobe.firmwarePath ? [{ name: 'firmware', mountPath: firmwareDirectory }] : []),
    ...(orderOf(modprobe).length > 0
      ? [{ name: 'softdep', mountPath: '/etc/modprobe.d/softdep.conf', subPath: 'softdep.conf', readOnly: true }]
      : []),
  ];
}

function softdepVolume(): Volume {
  const fieldPath = `metadata.annotations['${annotations.modulesOrder}']`;
  return { name: 'softdep', downwardAPI: { items: [{ path: 'softdep.conf', fieldRef: { fieldPath } }] } };
}

function serviceAccountOf(module: Module, settings: SpokeSettings): string | undefined {
  const given = module.spec.moduleLoader?.serviceAccountName;
  if (given) return given;
  return module.metadata.namespace === settings.operatorNamespace ? 'kmm-operator-module-loader' : undefined;
}

function smallRequests(): NonNullable<Container['resources']> {
  return { requests: { cpu: '10m', memory: '16Mi' } };
}

/** With `rawArgs` the user says everything, also what a loading order would. */
function orderOf(modprobe: ModprobeSpec): readonly string[] {
  return modprobe.rawArgs === undefined ? (modprobe.modulesLoadingOrder ?? []) : [];
}

function modprobeOf(module: Module): ModprobeSpec {
  return module.spec.moduleLoader?.container.modprobe ?? {};
}
