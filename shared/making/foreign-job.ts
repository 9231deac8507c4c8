import type { ImageState } from '../images/look-up.ts';
import type { KubeClient } from '../kube/client.ts';
import { labels } from '../kube/names.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import { imageOf } from './job-view.ts';
import { makingReasons } from './making-reasons.ts';
import type { MakingDecision, MakingPicture } from './picture.ts';
import type { Maker } from './workshop.ts';

/** An object of somebody else has a name that is needed for an image, and keeps it (contract 1). */
export interface Foreign {
  kind: 'foreign';
  message: string;
}

/** Nothing tells that it is gone: no other objects of the namespace are watched. */
const againMsFirst = 15_000;
const againMsMax = 300_000;

export function foreignAgainMs(times: number): number {
  return Math.min(againMsMax, againMsFirst * 2 ** Math.min(times - 1, 10));
}

/**
 * What has the name of `wanted`, asked after the API server refused to create that: `ours`, and the cache will show it;
 * foreign; or undefined, gone meanwhile. By a list, for which the rights are there.
 */
export async function nameHolder<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  { wanted, maker }: { wanted: T; maker: Maker },
): Promise<{ kind: 'ours'; present: T } | Foreign | undefined> {
  const { name, namespace } = wanted.metadata;
  const { items } = await client.list(resource, { namespace, fieldSelector: `metadata.name=${name}`, limit: 1 });
  const present = items.find(({ metadata }) => metadata.name === name);
  if (present === undefined) return undefined;
  const { labels: has = {} } = present.metadata;
  const isSeen = has[maker.label] !== undefined && has[labels.image] === wanted.metadata.labels?.[labels.image];
  if (isSeen && imageOf(present) === imageOf(wanted)) return { kind: 'ours', present };
  const { kind } = resource;
  const message = `${kind} ${namespace}/${name} is none of ours and has the name that this image needs: it is left alone. Delete it, or make it anew under another name: kubectl -n ${namespace} delete ${kind.toLowerCase()} ${name}`;
  return { kind: 'foreign', message };
}

/** What needs a name that somebody else has waits, and says so; who has what is wanted keeps it. */
export function behindForeign({ foreign, nowMs }: MakingPicture, decision: MakingDecision): MakingDecision {
  const { action } = decision;
  const needsName = action.kind === 'create' || (action.kind === 'delete' && action.condemn);
  if (foreign === undefined || !needsName) return decision;
  const failed: ImageState = { state: 'Failed', reason: makingReasons.foreignJob, message: foreign.message };
  const stateOf = (expectation: string) => {
    const state = decision.stateOf(expectation);
    return state.state === 'Verified' ? state : failed;
  };
  const leftMs = foreign.untilMs - nowMs;
  return leftMs > 0 ? { action: { kind: 'none' }, stateOf, wakeMs: leftMs } : { ...decision, stateOf };
}
