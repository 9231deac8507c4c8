import {
  type AppliedManifestWork,
  type AppliedResource,
  appliedManifestWorks,
} from '@open-cluster-management/api-types';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import { removeFinalizer } from '../../../shared/kube/finalizer.ts';
import { apiVersion, type OwnerReference, type Resource } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';
import { writeStatus } from '../../../shared/kube/status.ts';
import type { AnyObject } from './kinds.ts';
import { ocmNames } from './names.ts';
import type { ResourceMeta } from './work-status.ts';

/** The AppliedManifestWork on the spoke owns what was applied for one work; deleting it deletes those objects. */

export interface AppliedWorkId {
  hubHash: string;
  agentId: string;
  workName: string;
}

export function appliedWorkName({ hubHash, workName }: AppliedWorkId): string {
  return `${hubHash}-${workName}`;
}

export async function ensureAppliedWork(client: KubeClient, id: AppliedWorkId): Promise<AppliedManifestWork> {
  const name = appliedWorkName(id);
  const present = await client.get(appliedManifestWorks, { name });
  if (present !== undefined) return present;
  return client.create(appliedManifestWorks, {
    apiVersion: apiVersion(appliedManifestWorks),
    kind: appliedManifestWorks.kind,
    metadata: { name, finalizers: [ocmNames.appliedWorkFinalizer] },
    spec: { hubHash: id.hubHash, manifestWorkName: id.workName, agentID: id.agentId },
  });
}

/** The reference that makes `applied` an owner; not a controller, as the real agent has it. */
export function ownerReference({ metadata }: AppliedManifestWork): OwnerReference {
  const { kind } = appliedManifestWorks;
  return { apiVersion: apiVersion(appliedManifestWorks), kind, name: metadata.name, uid: metadata.uid ?? '' };
}

/** Writes down what was applied, and deletes what was applied before and is no longer in the work. */
export async function recordApplied(
  client: KubeClient,
  applied: AppliedManifestWork,
  results: readonly { meta: ResourceMeta; object?: AnyObject }[],
): Promise<void> {
  const appliedResources = results.map(({ meta, object }): AppliedResource => {
    const { group, version, resource: plural, name, namespace } = meta;
    return { group, version, resource: plural, name, namespace, uid: object?.metadata.uid ?? '' };
  });
  const wanted = new Set(appliedResources.map(identity));
  const former = (applied.status?.appliedResources ?? []).filter((one) => !wanted.has(identity(one)));
  const kept: AppliedResource[] = [];
  for (const one of former) if (await removeOwned(client, one, applied)) kept.push(one);
  const status = { ...applied.status, appliedResources: [...appliedResources, ...kept] };
  await writeStatus(client, appliedManifestWorks, applied, status);
}

/** One step of taking an AppliedManifestWork and its objects away; true when nothing is left of it. */
export async function finishAppliedWork(client: KubeClient, id: AppliedWorkId): Promise<boolean> {
  const at = { name: appliedWorkName(id) };
  let applied = await client.get(appliedManifestWorks, at);
  if (applied !== undefined && applied.metadata.deletionTimestamp === undefined) {
    await client.delete(appliedManifestWorks, at);
    applied = await client.get(appliedManifestWorks, at);
  }
  if (applied === undefined) return true;
  let remaining = 0;
  for (const one of applied.status?.appliedResources ?? []) {
    if (await removeOwned(client, one, applied)) remaining++;
  }
  if (remaining > 0) return false;
  const { appliedResources: _gone, ...rest } = applied.status ?? {};
  await writeStatus(client, appliedManifestWorks, applied, rest);
  await removeFinalizer(client, appliedManifestWorks, applied, ocmNames.appliedWorkFinalizer);
  return (await client.get(appliedManifestWorks, at)) === undefined;
}

/**
 * Deletes the object if `applied` owns it; true while it is still there. What it does not own (any more) is none of its
 * business: that is how an orphaned object stays.
 */
async function removeOwned(client: KubeClient, one: AppliedResource, applied: AppliedManifestWork): Promise<boolean> {
  const kind: Resource<AnyObject> = resource(one.group ?? '', one.version, '', one.resource, Boolean(one.namespace));
  const at = { name: one.name, namespace: one.namespace };
  const object = await client.get(kind, at);
  const owners = object?.metadata.ownerReferences ?? [];
  if (object === undefined || !owners.some(({ uid }) => uid === applied.metadata.uid)) return false;
  if (object.metadata.deletionTimestamp !== undefined) return true;
  const { uid } = object.metadata;
  try {
    await client.delete(kind, at, {
      propagationPolicy: 'Background',
      ...(uid !== undefined && { preconditions: { uid } }),
    });
  } catch (error) {
    // Another object of that name was made meanwhile: it is looked at again.
    if (!isConflict(error)) throw error;
  }
  return (await client.get(kind, at)) !== undefined;
}

function identity({ group, resource: plural, namespace, name }: AppliedResource): string {
  return [group ?? '', plural, namespace ?? '', name].join('/');
}
