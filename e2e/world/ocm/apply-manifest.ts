import { isDeepStrictEqual } from 'node:util';
import type { ManifestWork } from '@open-cluster-management/api-types';
import { errorMessage } from '../../../shared/core/errors.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { OwnerReference, Resource } from '../../../shared/kube/object.ts';
import { type AnyObject, servedResource } from './kinds.ts';
import type { ResourceMeta } from './work-status.ts';

/** What became of one manifest. Without `object` it could not be applied, and `error` says why. */
export interface ApplyResult {
  meta: ResourceMeta;
  object?: AnyObject;
  error?: string;
}

interface Target {
  client: KubeClient;
  owner: OwnerReference;
  /** Objects of an orphaned work have no owner, and lose it when they had one. */
  orphan: boolean;
}

/** Applies every manifest of the work; one that fails stops none of the others. */
export async function applyManifests(work: ManifestWork, target: Target): Promise<ApplyResult[]> {
  const results: ApplyResult[] = [];
  for (const [ordinal, manifest] of (work.spec.workload?.manifests ?? []).entries()) {
    results.push(await applyManifest(manifest as AnyObject, ordinal, target));
  }
  return results;
}

async function applyManifest(manifest: AnyObject, ordinal: number, target: Target): Promise<ApplyResult> {
  const meta = (resource: string): ResourceMeta => {
    const [version = '', group = ''] = manifest.apiVersion.split('/').reverse();
    const { name, namespace = '' } = manifest.metadata;
    return { ordinal, group, version, kind: manifest.kind, resource, name, namespace };
  };
  let resource: Resource<AnyObject> | undefined;
  try {
    resource = await servedResource(target.client, manifest);
    if (resource === undefined) throw new Error(`the server doesn't have a resource type "${manifest.kind}"`);
    return { meta: meta(resource.plural), object: await write(resource, manifest, target) };
  } catch (error) {
    return { meta: meta(resource?.plural ?? ''), error: errorMessage(error) };
  }
}

async function write(resource: Resource<AnyObject>, manifest: AnyObject, target: Target): Promise<AnyObject> {
  const present = await target.client.get(resource, manifest.metadata);
  if (present === undefined) {
    const ownerReferences = target.orphan ? [] : [target.owner];
    return target.client.create(resource, { ...manifest, metadata: { ...manifest.metadata, ownerReferences } });
  }
  const wanted = merged(present, manifest, target);
  return isDeepStrictEqual(wanted, present) ? present : target.client.replace(resource, wanted);
}

/** Labels, annotations and owners are added to those that are there, finalizers and status stay, all else is replaced. */
function merged(present: AnyObject, manifest: AnyObject, { owner, orphan }: Target): AnyObject {
  const { metadata, status } = present;
  const others = (metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.uid);
  const ownerReferences = orphan ? others : [...others, owner];
  const labels = { ...metadata.labels, ...manifest.metadata.labels };
  const annotations = { ...metadata.annotations, ...manifest.metadata.annotations };
  return {
    ...manifest,
    metadata: {
      ...metadata,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ...((ownerReferences.length > 0 || metadata.ownerReferences) && { ownerReferences }),
    },
    ...(status !== undefined && { status }),
  };
}
