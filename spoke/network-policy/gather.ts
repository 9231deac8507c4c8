import type { Module } from '@open-cluster-management/api-types';
import type { CacheView } from '../../shared/kube/cache.ts';
import { type NetworkPolicy, type Pod, parseKey } from '../../shared/kube/object.ts';
import { ownerOf, ownership } from '../../shared/kube/ownership.ts';
import { byModule } from '../indexes.ts';
import { purposeOf } from '../pods.ts';
import type { PolicyPicture } from './decide.ts';

export interface PolicySources {
  modules: CacheView<Module>;
  pods: CacheView<Pod>;
  /** Those with a Module's name label, whoever made them. */
  policies: CacheView<NetworkPolicy>;
}

export function gather({ modules, pods, policies }: PolicySources, key: string): PolicyPicture {
  const module = modules.get(parseKey(key));
  const labelled = policies.byIndex(byModule, key);
  return {
    module,
    // Not what could be adopted: somebody's own policy may carry the label too, and is not ours to delete.
    own: module === undefined ? [] : labelled.filter((policy) => ownership(policy, ownerOf(module), {}) === 'ours'),
    hasLoaders: pods.byIndex(byModule, key).some((pod) => ['load', 'unload'].includes(purposeOf(pod))),
  };
}
