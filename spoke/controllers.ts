import { type ClusterClaim, clusterClaims, type Module, modules } from '@open-cluster-management/api-types';
import { Cache } from '../shared/kube/cache.ts';
import type { KubeClient } from '../shared/kube/client.ts';
import type { Controller } from '../shared/kube/controller.ts';
import { EventRecorder } from '../shared/kube/events.ts';
import { labels } from '../shared/kube/names.ts';
import type { DaemonSet, NetworkPolicy, Node, Pod } from '../shared/kube/object.ts';
import { daemonSets, networkPolicies, nodes, pods } from '../shared/kube/resources.ts';
import type { Runtime } from '../shared/kube/runtime.ts';
import { countModules } from '../shared/meters/module-meters.ts';
import { spokeConfigSchema } from './config.ts';
import { ModuleImages, type ModuleImagesOptions } from './images/module-images.ts';
import { moduleIndex, podIndexes } from './indexes.ts';
import { kernelClaimController } from './kernel-claim/controller.ts';
import { moduleLoaderController } from './module-loader/controller.ts';
import { networkPolicyController } from './network-policy/controller.ts';
import { nodeLabelsController } from './node-labels/controller.ts';
import { slimNode } from './nodes.ts';
import type { SpokeSettings } from './settings.ts';

export interface ControllersOptions {
  client: KubeClient;
  runtime: Runtime;
  settings: SpokeSettings;
  /** Whether this cluster tells a hub its kernels. */
  managed: boolean;
  /** Names this process in events. */
  identity: string;
  /** How images are made; without: not at all. */
  images?: Pick<ModuleImagesOptions, 'config' | 'registryCa'>;
  signal: AbortSignal;
}

/**
 * All that the spoke does, and all that it watches: no Secret, and of pods, DaemonSets and NetworkPolicies only those of
 * Modules. Where images may be made (images/), Jobs and the metadata of Secrets and ConfigMaps come to that.
 */
export function spokeControllers(options: ControllersOptions) {
  const { client, runtime, settings, managed, identity } = options;
  const labelSelector = labels.moduleName;
  const caches = {
    modules: new Cache<Module>({ client, runtime, resource: modules }),
    nodes: new Cache<Node>({ client, runtime, resource: nodes, slim: slimNode }),
    // But those that make images: they load nothing.
    pods: new Cache<Pod>({
      client,
      runtime,
      resource: pods,
      labelSelector: `${labelSelector},!${labels.buildType}`,
      indexes: podIndexes,
    }),
    policies: new Cache<NetworkPolicy>({
      client,
      runtime,
      resource: networkPolicies,
      labelSelector,
      indexes: moduleIndex,
    }),
    daemonSets: new Cache<DaemonSet>({ client, runtime, resource: daemonSets, labelSelector, indexes: moduleIndex }),
  };
  countModules(caches.modules, runtime.meters, ({ metadata: { name, namespace = '' }, spec }) => ({
    name,
    namespace,
    spec,
  }));
  const events = new EventRecorder({ client, runtime, controller: 'kmm.sigs.x-k8s.io/spoke', instance: identity });
  const images = new ModuleImages({
    client,
    runtime,
    modules: caches.modules,
    events,
    operatorNamespace: settings.operatorNamespace,
    config: options.images?.config ?? spokeConfigSchema.parse({}),
    registryCa: options.images?.registryCa,
    signal: options.signal,
  });
  const controllers: Controller[] = [
    nodeLabelsController({ client, runtime, events, caches }),
    networkPolicyController({ client, events, caches }),
    moduleLoaderController({ client, runtime, settings, caches, images }),
  ];
  const common = { controllers, stopped: () => images.stopped() };
  if (!managed) return { caches: Object.values(caches), ...common };
  const claims = new Cache<ClusterClaim>({ client, runtime, resource: clusterClaims });
  controllers.push(kernelClaimController({ client, caches: { nodes: caches.nodes, claims } }));
  return { caches: [...Object.values(caches), claims], ...common };
}
