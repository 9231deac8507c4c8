import { type Clock, sleep } from '../../../shared/core/clock.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict, isNotFound, KubeError } from '../../../shared/kube/errors.ts';
import type { KubeObject, Resource } from '../../../shared/kube/object.ts';
import { collectionPath } from '../../../shared/kube/paths.ts';
import { controllerRevisions, events, pods } from '../../../shared/kube/resources.ts';
import { definitions } from '../api-server/definitions.ts';
import { rawClient } from '../api-server/raw-client.ts';
import { adminOf } from './admin.ts';
import type { AuditLog } from './audit-log.ts';
import { servedKinds } from './served-kinds.ts';

/** What a control plane held when it was new. */
export interface Baseline {
  readonly uids: ReadonlySet<string>;
  /** Of CustomResourceDefinitions, by name. */
  readonly generations: ReadonlyMap<string, number | undefined>;
}

const kept = [
  'namespaces',
  'flowschemas',
  'prioritylevelconfigurations',
  'apiservices',
  'componentstatuses',
  'ipaddresses',
];
const late: readonly Resource<KubeObject>[] = [pods, controllerRevisions, events];
const giveUpMs = 20_000;
const lookAgainMs = 100;

export async function baselineOf(kubeconfig: string): Promise<Baseline> {
  const client = adminOf(kubeconfig);
  const kinds = (await servedKinds(kubeconfig)).filter(isEmptied);
  const lists = await Promise.all(kinds.map((kind) => client.list(kind)));
  const uids = lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.uid ?? ''));
  const { items } = await client.list(definitions);
  await client.close();
  const generations = new Map(items.map(({ metadata }) => [metadata.name, metadata.generation]));
  return { uids: new Set(uids), generations };
}

/**
 * Removes all that was not there at first, of the kinds that `log` tells of. False when that did not succeed in time, or a
 * definition was changed. Changes of other objects are not noticed: who makes them (`Plane.withhold`) takes them back.
 */
export async function restore(
  kubeconfig: string,
  { baseline, log }: { baseline: Baseline; log: AuditLog },
  clock: Clock,
): Promise<boolean> {
  const client = adminOf(kubeconfig);
  try {
    const { items } = await client.list(definitions);
    if (items.some(({ metadata }) => isChanged(metadata, baseline))) return false;
    const written = await log.kindsWritten();
    // Controllers may make these still.
    const kinds = [...written.filter((kind) => !late.some((other) => isSame(kind, other))), ...late].filter(isEmptied);
    const untilMs = clock.now() + giveUpMs;
    while ((await removeOthers({ client, kubeconfig }, kinds, baseline)) > 0) {
      if (clock.now() > untilMs) return false;
      await sleep(clock, lookAgainMs);
    }
    return true;
  } finally {
    await client.close();
  }
}

function isChanged({ name, generation }: KubeObject['metadata'], { generations }: Baseline): boolean {
  return generations.has(name) && generations.get(name) !== generation;
}

/** How many there were: controllers may have made some of them anew meanwhile. */
async function removeOthers(
  { client, kubeconfig }: { client: KubeClient; kubeconfig: string },
  kinds: readonly Resource<KubeObject>[],
  { uids }: Baseline,
): Promise<number> {
  const counts = await Promise.all(
    kinds.map(async (kind) => {
      const items = await listed(client, kind);
      if (items === undefined) return 1;
      const others = items.filter(({ metadata }) => !uids.has(metadata.uid ?? '') && !isFurniture(kind, metadata.name));
      // Of events there are many, none was there at first, and nothing holds them up.
      if (isSame(kind, events)) await removeAll(kubeconfig, events, others);
      else await Promise.all(others.map(({ metadata }) => remove(client, kind, metadata)));
      return others.length;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Empty for a kind that is gone, undefined while the server cannot say. */
async function listed(client: KubeClient, kind: Resource<KubeObject>): Promise<readonly KubeObject[] | undefined> {
  try {
    return (await client.list(kind)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    // A review is made and answered, and never there: "method not allowed".
    if (error instanceof KubeError && error.status === 405) return [];
    // Its definition is on its way out: "storage is (re)initializing".
    if (error instanceof KubeError && (error.status === 429 || error.status === 503)) return undefined;
    throw error;
  }
}

async function remove(client: KubeClient, kind: Resource<KubeObject>, at: KubeObject['metadata']): Promise<void> {
  try {
    if (at.finalizers !== undefined) {
      await client.patch(kind, at, { type: 'merge', body: { metadata: { finalizers: null } } });
    }
    await client.delete(kind, at, { gracePeriodSeconds: 0, propagationPolicy: 'Background' });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** By one request for each namespace that has some. */
async function removeAll(
  kubeconfig: string,
  kind: Resource<KubeObject>,
  objects: readonly KubeObject[],
): Promise<void> {
  const raw = rawClient(kubeconfig);
  const namespaces = new Set(objects.map(({ metadata }) => metadata.namespace));
  try {
    await Promise.all([...namespaces].map((namespace) => raw.call('DELETE', collectionPath(kind, namespace))));
  } finally {
    await raw.close();
  }
}

/** All but namespaces, which take seconds to go and are wanted again by the next test, and what comes by itself. */
function isEmptied({ plural, group }: Resource<KubeObject>): boolean {
  return !kept.includes(plural) && !(plural === 'events' && group === '');
}

function isSame(one: Resource<KubeObject>, other: Resource<KubeObject>): boolean {
  return one.plural === other.plural && one.group === other.group;
}

/** What Kubernetes puts into every namespace. */
function isFurniture({ plural }: Resource<KubeObject>, name: string): boolean {
  if (plural === 'serviceaccounts') return name === 'default';
  if (plural === 'configmaps') return name === 'kube-root-ca.crt';
  return plural === 'leases' && name.startsWith('apiserver-');
}
