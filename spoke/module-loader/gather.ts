import type { Module } from '@open-cluster-management/api-types';
import type { Clock } from '../../shared/core/clock.ts';
import type { CacheView } from '../../shared/kube/cache.ts';
import { readyLabel } from '../../shared/kube/names.ts';
import { type DaemonSet, type Node, type Pod, parseKey } from '../../shared/kube/object.ts';
import type { KnownImage } from '../images/wanted.ts';
import { byModule } from '../indexes.ts';
import type { Observations } from '../observations.ts';
import { isTerminating, purposeOf } from '../pods.ts';
import type { SpokeSettings } from '../settings.ts';
import { loadHashOf } from './loader-pod.ts';
import type { ModulePicture } from './survey.ts';
import { troubleOn } from './trouble.ts';

export interface ModuleSources {
  modules: CacheView<Module>;
  nodes: CacheView<Node>;
  pods: CacheView<Pod>;
  daemonSets: CacheView<DaemonSet>;
  settings: SpokeSettings;
  images: { known(module: string): ReadonlyMap<string, KnownImage> };
  clock: Clock;
  observations: Observations;
}

export function gather(sources: ModuleSources, key: string, marked: string | undefined): ModulePicture {
  const { namespace = '', name } = parseKey(key);
  const pods = sources.pods.byIndex(byModule, key);
  const daemonSets = sources.daemonSets.byIndex(byModule, key);
  return {
    identity: { namespace, name },
    module: sources.modules.get({ namespace, name }),
    nodes: sources.nodes.list(),
    daemonSets,
    pods,
    images: sources.images.known(key),
    settings: sources.settings,
    nowMs: sources.clock.now(),
    troubleMs: troubleAges(sources, key, pods),
    podlessMs: podlessAges(sources, key, daemonSets),
    marked,
  };
}

/** Trouble comes and goes while Kubernetes makes pods anew: its age counts until the node was loaded, or another hash is tried. */
function troubleAges(sources: ModuleSources, key: string, pods: readonly Pod[]): Map<string, number> {
  const { namespace = '', name } = parseKey(key);
  const ages = new Map<string, number>();
  for (const pod of pods) {
    const { nodeName } = pod.spec;
    if (nodeName === undefined || purposeOf(pod) !== 'load' || isTerminating(pod)) continue;
    const subject = `${key}/${nodeName}`;
    const node = sources.nodes.get({ name: nodeName });
    if (node?.metadata.labels?.[readyLabel(namespace, name)] !== undefined) sources.observations.forget(subject);
    else if (node !== undefined && troubleOn(node, pod) !== undefined) {
      ages.set(nodeName, sources.observations.ageMs(subject, loadHashOf(pod) ?? ''));
    }
  }
  return ages;
}

/** Kubernetes makes pods at once unless something forbids it, such as a ServiceAccount that is not there. */
function podlessAges(sources: ModuleSources, key: string, daemonSets: readonly DaemonSet[]): Map<string, number> {
  const ages = new Map<string, number>();
  for (const { metadata, status } of daemonSets) {
    const subject = `${key}/daemonset/${metadata.name}`;
    const isShort = (status?.currentNumberScheduled ?? 0) < (status?.desiredNumberScheduled ?? 0);
    if (isShort) ages.set(metadata.name, sources.observations.ageMs(subject, 'podless'));
    else sources.observations.forget(subject);
  }
  return ages;
}
