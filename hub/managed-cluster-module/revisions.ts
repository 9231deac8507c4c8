import type { ModuleSpec } from '@open-cluster-management/api-types';
import { contentHash } from '../../shared/core/hash.ts';
import { limits } from '../../shared/core/limits.ts';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { workLabel } from './work.ts';

/** Objects' names have at most 253 characters; 17 are the hash and its dash. */
const moduleCharsMax = 236;

/** Name of the ControllerRevision of this version: equal specs have equal names, whoever asks (contract 2). */
export function revisionName(module: string, moduleSpec: ModuleSpec): string {
  return `${module.slice(0, moduleCharsMax)}-${contentHash(moduleSpec)}`;
}

export interface RevisionPicture {
  module: string;
  namespace: string;
  /** The `moduleSpec` that is wanted now. */
  moduleSpec: ModuleSpec;
  /** All that are owned by this ManagedClusterModule. */
  present: readonly ControllerRevision[];
  /** Whether a work still names this one. */
  isUsed(name: string): boolean;
}

export interface RevisionChanges {
  /** As it should be: the newest number belongs to the version that is wanted now, also after an undo. */
  wanted: ControllerRevision;
  remove: ControllerRevision[];
}

/** Which versions are kept: the last ten, the wanted one, and every one that a work still names. Pure. */
export function decideRevisions(picture: RevisionPicture): RevisionChanges {
  const name = revisionName(picture.module, picture.moduleSpec);
  const others = picture.present.filter(({ metadata }) => metadata.name !== name).sort(newestFirst);
  const own = picture.present.find(({ metadata }) => metadata.name === name);
  const newest = others[0]?.revision ?? 0;
  const revision = own !== undefined && own.revision > newest ? own.revision : newest + 1;
  const wanted: ControllerRevision = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name, namespace: picture.namespace, labels: workLabel(picture.module) },
    data: { moduleSpec: picture.moduleSpec },
    revision,
  };
  const remove = others.slice(limits.revisionsKept - 1).filter(({ metadata }) => !picture.isUsed(metadata.name));
  return { wanted, remove };
}

/** The version that a ControllerRevision keeps; undefined when it holds something else. */
export function moduleSpecOf({ data }: ControllerRevision): ModuleSpec | undefined {
  const spec = (data as { moduleSpec?: unknown } | undefined)?.moduleSpec;
  return typeof spec === 'object' && spec !== null ? (spec as ModuleSpec) : undefined;
}

function newestFirst(a: ControllerRevision, b: ControllerRevision): number {
  return b.revision - a.revision || (a.metadata.name < b.metadata.name ? -1 : 1);
}
