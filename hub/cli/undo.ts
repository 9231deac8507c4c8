import type { ManagedClusterModule, ModuleSpec } from '@open-cluster-management/api-types';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { moduleSpecOf, revisionName } from '../managed-cluster-module/revisions.ts';
import { UsageError } from './failures.ts';
import { someOf } from './lines.ts';

export interface Undo {
  /** Name of the version that comes back. */
  revision: string;
  moduleSpec: ModuleSpec;
}

/**
 * The version that an undo writes back: the named one, else the one before the present (the hub numbers them in the order in
 * which they became the present one). `revisions`: of the module, the newest first. Throws `UsageError`. Pure.
 */
export function undoOf(
  module: ManagedClusterModule,
  revisions: readonly ControllerRevision[],
  toRevision: string | undefined,
): Undo {
  const { name } = module.metadata;
  const present = module.spec.moduleSpec === undefined ? undefined : revisionName(name, module.spec.moduleSpec);
  const others = revisions.filter(({ metadata }) => metadata.name !== present);
  const number = revisions.find(({ metadata }) => metadata.name === present)?.revision ?? Number.POSITIVE_INFINITY;
  const chosen =
    toRevision === undefined
      ? others.find(({ revision }) => revision < number)
      : revisions.find(({ metadata }) => metadata.name === toRevision);
  const names = someOf(
    others.map(({ metadata }) => metadata.name),
    20,
  );
  const there = others.length === 0 ? 'none but the present one is kept' : `there are, the newest first: ${names}`;
  if (chosen === undefined && toRevision === undefined) {
    throw new UsageError(`expected a version of ${name} before the present ${present ?? 'one'}, got none; ${there}`);
  }
  if (chosen === undefined) {
    throw new UsageError(`--to-revision: expected a version of ${name}, got ${JSON.stringify(toRevision)}; ${there}`);
  }
  const moduleSpec = moduleSpecOf(chosen);
  if (moduleSpec === undefined) {
    throw new UsageError(
      `${chosen.metadata.name}: expected a ControllerRevision with a moduleSpec, got something else; ${there}`,
    );
  }
  return { revision: chosen.metadata.name, moduleSpec };
}
