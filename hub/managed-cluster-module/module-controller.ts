import { type ManagedClusterModule, managedClusterModules } from '@open-cluster-management/api-types';
import { errorMessage } from '../../shared/core/errors.ts';
import { done, type Outcome } from '../../shared/core/outcome.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { addFinalizer } from '../../shared/kube/finalizer.ts';
import { finalizers } from '../../shared/kube/names.ts';
import { ownership } from '../../shared/kube/ownership.ts';
import { controllerRevisions } from '../../shared/kube/resources.ts';
import { writeOwned } from '../../shared/kube/write.ts';
import { selects } from '../fleet/selection.ts';
import type { Demand } from './demand.ts';
import type { Fleet } from './gather.ts';
import { clusterKey } from './keys.ts';
import type { ModuleView } from './module-view.ts';
import { deletionPolicyOf } from './orphan/policy.ts';
import { type Problem, reasons } from './reasons.ts';
import type { Records } from './records.ts';
import { decideRevisions, revisionName } from './revisions.ts';
import { workLabel } from './work.ts';

export interface ModuleParts {
  client: KubeClient;
  fleet: Fleet;
  demand: Demand;
  records: Records;
  /** Has one cluster of a module looked at. */
  look(key: string): void;
}

/**
 * A ManagedClusterModule as a whole (key: its name): records its version (contract 2), and then has every cluster looked
 * at that it concerns or concerned.
 *
 * Cost: clusters + works of the module, once for each change of its spec or its versions; requests for versions only.
 */
export function moduleReconcile(parts: ModuleParts): (name: string) => Promise<Outcome> {
  /** What the clusters were last looked at with. */
  const spread = new Map<string, string>();
  return async (name) => {
    const module = parts.fleet.modules.get({ name });
    if (module === undefined) {
      spread.delete(name);
      forget(parts, name);
      return done;
    }
    const view = parts.fleet.moduleViews.of(module);
    // The garbage collector takes everything; what waits for images waits no longer.
    if (view.leaving) {
      parts.demand.forget(name);
      return done;
    }
    try {
      if (await comesBack(parts, module, view)) return done;
    } catch (error) {
      spreadOnce(parts, view, spread);
      throw error;
    }
    spreadOnce(parts, view, spread);
    return done;
  };
}

function forget({ records, demand, fleet, look }: ModuleParts, name: string): void {
  // What was remembered of its clusters is forgotten by a last look at each.
  for (const cluster of records.clusters(name)) look(clusterKey(name, cluster));
  records.forget(name);
  demand.forget(name);
  fleet.digests.forget(name);
}

/** Writes what must be there before its works; whether something was written, which wakes this key by the watch. */
async function comesBack(parts: ModuleParts, module: ManagedClusterModule, view: ModuleView): Promise<boolean> {
  const { client, records } = parts;
  const told = async <T>(reason: string, what: string, write: () => Promise<T>): Promise<T> => {
    try {
      return await write();
    } catch (error) {
      records.setProblem(view.name, { reason, message: `${what} failed: ${errorMessage(error)}` });
      throw error;
    }
  };
  // Works are made without an owner once it is there; one that never had any may have a name that none can have.
  const mayHaveWorks = view.wanted !== undefined || parts.fleet.works.byIndex('module', view.name).length > 0;
  if (mayHaveWorks && deletionPolicyOf(module).policy === 'Orphan') {
    const add = () => addFinalizer(client, managedClusterModules, module, finalizers.orphan);
    if (await told(reasons.finalizerFailed, 'adding the finalizer of deletionPolicy Orphan', add)) return true;
  }
  const state = await told(reasons.revisionFailed, 'recording its version', () => recordVersion(parts, view));
  records.setProblem(view.name, state.problem);
  return state.created;
}

async function recordVersion(
  { client, fleet }: ModuleParts,
  view: ModuleView,
): Promise<{ created: boolean; problem: Problem | undefined }> {
  if (view.wanted === undefined) return { created: false, problem: undefined };
  const all = fleet.revisions.byIndex('module', view.name);
  const own = all.filter((object) => ownership(object, view.owner, workLabel(view.name)) !== 'foreign');
  const name = revisionName(view.name, view.wanted.moduleSpec);
  const present = fleet.revisions.get({ namespace: fleet.namespace, name });
  if (present !== undefined && !own.includes(present)) {
    const message = `ControllerRevision ${fleet.namespace}/${name} belongs to someone else: delete it`;
    return { created: false, problem: { reason: reasons.revisionConflict, message } };
  }
  const { wanted, remove } = decideRevisions({
    module: view.name,
    namespace: fleet.namespace,
    moduleSpec: view.wanted.moduleSpec,
    present: own,
    isUsed: (revision) => fleet.works.byIndex('revision', `${view.name}/${revision}`).length > 0,
  });
  const written = await writeOwned(client, controllerRevisions, { present, wanted, owner: view.owner });
  for (const { metadata } of remove) await client.delete(controllerRevisions, metadata);
  return { created: written === 'created', problem: undefined };
}

/** Wakes the clusters when the module or its versions changed since the last time. */
function spreadOnce(parts: ModuleParts, view: ModuleView, spread: Map<string, string>): void {
  const { fleet, records } = parts;
  const versions = fleet.revisions.byIndex('module', view.name).map(({ metadata }) => metadata.name);
  const state = JSON.stringify([view.owner.uid, view.generation, versions.sort()]);
  if (spread.get(view.name) === state) return;
  spread.set(view.name, state);
  const clusters = clustersOf(fleet, view, records);
  for (const [cluster, selected] of clusters) records.expect(view.name, { cluster, selected });
  records.begin(view.name, view.generation);
  for (const cluster of clusters.keys()) parts.look(clusterKey(view.name, cluster));
}

/** Selected now (true), or having a work of this name, or recorded before. */
function clustersOf(fleet: Fleet, view: ModuleView, records: Records): Map<string, boolean> {
  const clusters = new Map<string, boolean>();
  for (const cluster of records.clusters(view.name)) clusters.set(cluster, false);
  for (const { metadata } of fleet.works.byIndex('module', view.name)) clusters.set(metadata.namespace ?? '', false);
  if (view.wanted === undefined) return clusters;
  for (const { metadata } of fleet.clusters.list()) {
    if (selects(view.selector, metadata.labels)) clusters.set(metadata.name, true);
  }
  return clusters;
}
