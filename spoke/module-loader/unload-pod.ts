import { assert } from '../../shared/core/assert.ts';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { Pod, PodTemplate } from '../../shared/kube/object.ts';
import { containers } from '../pods.ts';
import { unloadName } from './daemon-set.ts';
import { script } from './loader-pod.ts';

type Container = NonNullable<PodTemplate['spec']>['containers'][number];

/** The volumes that our template makes; the API server and admission add others, which an unload does not need. */
const ourVolumes = new Set(['tools', 'lib-modules', 'run-kmm', 'firmware', 'softdep']);

/** Installs the script, then asks it whether there is anything to unload: that needs no module image. Constant text. */
const installAndLook = `. "\${ROOT:-}/install.sh"
set -- look
. "\${ROOT:-}/loader.sh"`;

/**
 * The one-shot pod that takes out of the kernel what `loader`, an ended loader pod, may have left there: same image, same
 * mounts, same arguments, on the same node whatever its taints. Kubelet repeats it with its own back-off (10 s to 5 min). Its init container answers
 * already when there is nothing to unload: an image that cannot be pulled any more then keeps no Module.
 */
export function unloadPod(loader: Pod): Pod {
  const { namespace, labels: loaderLabels, annotations: loaderAnnotations, uid } = loader.metadata;
  const moduleName = loaderLabels?.[labels.moduleName];
  const { nodeName, serviceAccountName, imagePullSecrets, volumes } = loader.spec;
  assert(namespace !== undefined && moduleName !== undefined && nodeName !== undefined, 'a loader pod that never ran');
  const order = loaderAnnotations?.[annotations.modulesOrder];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: unloadName({ namespace, name: moduleName }, nodeName),
      namespace,
      labels: { [labels.moduleName]: moduleName, [labels.workerAction]: 'Unload' },
      annotations: {
        [annotations.unloadsFor]: uid ?? '',
        ...(order !== undefined && { [annotations.modulesOrder]: order }),
      },
    },
    spec: {
      nodeName,
      restartPolicy: 'OnFailure',
      tolerations: [{ operator: 'Exists' }],
      priorityClassName: 'system-node-critical',
      terminationGracePeriodSeconds: 90,
      automountServiceAccountToken: false,
      ...(serviceAccountName && { serviceAccountName }),
      ...(imagePullSecrets?.length && { imagePullSecrets }),
      initContainers: (loader.spec.initContainers ?? [])
        .filter(({ name }) => name === containers.tools)
        .map((tools) => looking(tools, loader)),
      containers: loader.spec.containers.filter(({ name }) => name === containers.loader).map(unloading),
      volumes: (volumes ?? []).filter(({ name }) => ourVolumes.has(name)),
    },
  };
}

function looking(tools: Container, { spec }: Pod): Container {
  const main = spec.containers.find(({ name }) => name === containers.loader);
  const marker = (main?.volumeMounts ?? []).filter(({ name }) => name === 'run-kmm');
  const { command: _, volumeMounts = [], ...rest } = bare(tools);
  return {
    ...rest,
    command: ['/busybox', 'sh', '-c', installAndLook],
    ...(main?.env && { env: main.env }),
    // As the main container: a confined one may not read the host's folder.
    ...(main?.securityContext && { securityContext: main.securityContext }),
    volumeMounts: [...volumeMounts, ...marker],
  };
}

function unloading(container: Container): Container {
  const preStop = container.lifecycle?.preStop?.exec?.command ?? [];
  const unloadArguments = preStop.slice(script.length + 1);
  return { ...bare(container), command: [...script, 'unload-any', ...unloadArguments] };
}

/** A container as our template made it, without hooks, probes and what was added to it. */
function bare({ name, image, command, env, imagePullPolicy, resources, securityContext, volumeMounts }: Container) {
  return {
    name,
    ...(image && { image }),
    ...(command && { command }),
    ...(env && { env }),
    ...(imagePullPolicy && { imagePullPolicy }),
    ...(resources && { resources }),
    ...(securityContext && { securityContext }),
    volumeMounts: (volumeMounts ?? []).filter((mount) => ourVolumes.has(mount.name)),
  };
}
