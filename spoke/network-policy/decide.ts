import type { Module } from '@open-cluster-management/api-types';
import type { NetworkPolicy } from '../../shared/kube/object.ts';
import { makesImages } from '../images/wanted.ts';
import { identityCharsMax } from '../module-loader/daemon-set.ts';
import { isTerminating } from '../pods.ts';
import { type Audience, policyFor } from './policies.ts';

export interface PolicyPicture {
  /** `undefined`: gone, and its policies go with it. */
  module: Module | undefined;
  /** Those whose controller the Module is. */
  own: readonly NetworkPolicy[];
  /** Loader or unload pods of it are there. */
  hasLoaders: boolean;
}

/** The policies that should be, and those of ours that should not. */
export interface PolicyDecision {
  wanted: readonly NetworkPolicy[];
  surplus: readonly NetworkPolicy[];
}

/** A Module that is being deleted keeps what it has: the garbage collector takes it, and could wait for what is made anew. */
export function decide({ module, own, hasLoaders }: PolicyPicture): PolicyDecision {
  if (module === undefined || isTerminating(module)) return { wanted: [], surplus: [] };
  const wanted = audiences(module, hasLoaders).map((audience) => policyFor(module, audience));
  const surplus = own.filter(
    (policy) => !isTerminating(policy) && !wanted.some(({ metadata }) => metadata.name === policy.metadata.name),
  );
  return { wanted, surplus };
}

/** A loader that the spec no longer asks for stays shut in until it has unloaded. */
function audiences(module: Module, hasLoaders: boolean): Audience[] {
  const { metadata, spec } = module;
  const { namespace = '', name } = metadata;
  // It is refused, and gets no pods.
  if (namespace.length + name.length > identityCharsMax) return [];
  return [
    ...(spec.moduleLoader !== undefined || hasLoaders ? (['loader', 'unload'] as const) : []),
    ...(spec.devicePlugin !== undefined ? (['device-plugin'] as const) : []),
    ...(makesImages(module) ? (['image'] as const) : []),
  ];
}
