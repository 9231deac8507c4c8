import type { Module } from '@open-cluster-management/api-types';
import { WaitingError } from '../../shared/core/errors.ts';
import { done } from '../../shared/core/outcome.ts';
import type { Cache, Change } from '../../shared/kube/cache.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type Controller, watching } from '../../shared/kube/controller.ts';
import type { EventRecorder } from '../../shared/kube/events.ts';
import { type NetworkPolicy, objectKey, type Pod } from '../../shared/kube/object.ts';
import { networkPolicies } from '../../shared/kube/resources.ts';
import { makesImages } from '../images/wanted.ts';
import { keysForOwned } from '../indexes.ts';
import { applyPolicy } from './apply.ts';
import { decide } from './decide.ts';
import { gather } from './gather.ts';
import { reasons } from './reasons.ts';

export interface NetworkPolicyOptions {
  client: KubeClient;
  events: Pick<EventRecorder, 'record'>;
  caches: { modules: Cache<Module>; pods: Cache<Pod>; policies: Cache<NetworkPolicy> };
}

/** Nothing tells us when a policy without our label goes. */
const foreignAgainMs = 5 * 60_000;

/** Keeps the pods of each Module off the network (checklist 139). Key: `namespace/name` of the Module. */
export function networkPolicyController({ client, events, caches }: NetworkPolicyOptions): Controller {
  return {
    name: 'network-policy',
    sources: [
      watching(caches.modules, keysForModule),
      watching(caches.policies, keysForOwned),
      watching(caches.pods, keysForPod),
    ],
    async reconcile(key) {
      const picture = gather(caches, key);
      const { module } = picture;
      if (module === undefined) return done;
      const { wanted, surplus } = decide(picture);
      const results = await Promise.allSettled([
        ...wanted.map(async (policy) => {
          const present = caches.policies.get(policy.metadata);
          const result = await applyPolicy(client, module, { wanted: policy, present });
          return result === 'foreign' ? policy.metadata.name : undefined;
        }),
        ...surplus.map((policy) => remove(client, policy)),
      ]);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      const foreign = results.flatMap((result) => (result.status === 'fulfilled' && result.value) || []);
      if (foreign.length > 0) tellForeign(events, module, foreign);
      return done;
    },
  };
}

function tellForeign(events: NetworkPolicyOptions['events'], module: Module, names: readonly string[]): never {
  const note = `NetworkPolicy ${names.join(', ')} exists and is not ours: it is left as it is, and the pods that ours would close are as it leaves them; delete or rename it`;
  events.record({ regarding: module, type: 'Warning', reason: reasons.foreign, note, action: 'Isolate' });
  throw new WaitingError(reasons.foreign, note, foreignAgainMs);
}

async function remove(client: KubeClient, { metadata }: NetworkPolicy): Promise<undefined> {
  await client.delete(networkPolicies, metadata, { ...(metadata.uid && { preconditions: { uid: metadata.uid } }) });
}

function keysForModule({ previous, current }: Change<Module>): string[] {
  const before = previous && sections(previous);
  const now = current && sections(current);
  return current === undefined || before === now ? [] : [objectKey(current)];
}

/** All that matters of a Module here: a status that changes with each node wakes nobody. */
function sections(module: Module): string {
  const { metadata, spec } = module;
  const { uid, deletionTimestamp } = metadata;
  const present = [spec.moduleLoader, spec.devicePlugin].map((section) => section !== undefined);
  return [uid, deletionTimestamp, ...present, makesImages(module)].join();
}

/** The last loader's end lets its policy go. */
function keysForPod({ previous, current }: Change<Pod>): string[] {
  return previous !== undefined && current === undefined ? keysForOwned({ previous, current }) : [];
}
