import type { ManagedCluster, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { ownership } from '../../shared/kube/ownership.ts';
import { type ClusterView, viewCluster } from '../fleet/cluster.ts';
import { type KnownKernels, knownKernels } from '../fleet/kernels.ts';
import { selects } from '../fleet/selection.ts';
import { type Feedback, readFeedback, reportedKernels } from '../managed-cluster-module/feedback.ts';
import { type ModuleView, viewModule } from '../managed-cluster-module/module-view.ts';
import { reasons } from '../managed-cluster-module/reasons.ts';
import { mappingsIn, viewWork, type WorkView, workLabel } from '../managed-cluster-module/work.ts';
import { imageLink, mappingLink } from './explain-kernels.ts';
import { upcomingLink } from './explain-upcoming.ts';
import { appliedLink, loadedLink, workLink } from './explain-work.ts';
import { broken, type Link, ok, waits } from './links.ts';

/** All that `explain` asks for: three objects, one request each. */
export interface ExplainInput {
  module: ManagedClusterModule;
  clusterName: string;
  cluster: ManagedCluster | undefined;
  /** The work of the module's name in the cluster's namespace, whoever it is of. */
  work: ManifestWork | undefined;
  nowMs: number;
  /** The hub's own. */
  operatorNamespace: string;
}

/** What the links are read from. */
export interface Sight extends ExplainInput {
  view: ModuleView;
  seen: ClusterView | undefined;
  kernels: KnownKernels;
  found: WorkView | undefined;
  isForeign: boolean;
  feedback: Feedback | undefined;
  /** What the hub's status says of this cluster; undefined: it is well, or the list has no room for it. */
  entry: { state: string; reason: string; message?: string | undefined } | undefined;
}

/** The chain from the object to the kernels of one cluster's nodes, each link with what is seen. Pure. */
export function explain(input: ExplainInput): Link[] {
  const sight = sightOf(input);
  return [
    moduleLink(sight),
    clusterLink(sight),
    claimLink(sight),
    mappingLink(sight),
    imageLink(sight),
    upcomingLink(sight),
    workLink(sight),
    appliedLink(sight),
    loadedLink(sight),
  ].filter((link) => link !== undefined);
}

/** Where the chain breaks first, else where it waits first; undefined: all is well, now. */
export function firstTrouble(chain: readonly Link[]): Link | undefined {
  return chain.find(({ state }) => state === 'broken') ?? chain.find(({ state }) => state === 'waits');
}

function sightOf(input: ExplainInput): Sight {
  const view = viewModule(input.module);
  const seen = input.cluster === undefined ? undefined : viewCluster(input.cluster);
  const isForeign = input.work !== undefined && ownership(input.work, view.owner, workLabel(view.name)) === 'foreign';
  const work = isForeign ? undefined : input.work;
  const found = work === undefined ? undefined : viewWork(work, view.spokeNamespace);
  const feedback = work === undefined ? undefined : readFeedback(work);
  const kernels = knownKernels({
    inventory: seen?.inventory ?? noInventory,
    reported: reportedKernels(feedback),
    shipped: mappingsIn(found?.spec).map(({ literal }) => literal),
  });
  const entry = input.module.status?.clusters?.find(({ name }) => name === input.clusterName);
  return { ...input, view, seen, kernels, found, isForeign, feedback, entry };
}

const noInventory: ClusterView['inventory'] = {
  kernels: [],
  ignored: [],
  moreIgnored: 0,
  claimed: false,
  complete: false,
};

function moduleLink({ module, view }: Sight): Link {
  const { generation, deletionTimestamp } = module.metadata;
  const [problem] = view.problems;
  if (view.wanted === undefined) {
    return broken('module', reasons.invalidSpec, [problem?.message ?? 'its spec cannot be used']);
  }
  if (deletionTimestamp !== undefined) return broken('module', 'Terminating', ['is being deleted']);
  if (module.status?.observedGeneration !== generation) {
    const looked = module.status?.observedGeneration ?? 'none';
    return waits('module', 'NotObserved', [`generation ${generation}; the hub has looked at ${looked}`]);
  }
  const notes = view.problems.map(({ message }) => message);
  return ok('module', [`generation ${generation}, version ${view.wanted.revision}`, ...notes]);
}

function clusterLink({ view, seen, clusterName }: Sight): Link {
  if (seen === undefined) return broken('cluster', 'ClusterNotFound', [`there is no ManagedCluster ${clusterName}`]);
  if (!selects(view.selector, seen.labels)) {
    const missing = Object.entries(view.selector)
      .filter(([key, value]) => seen.labels[key] !== value)
      .map(([key, value]) => `${key}: expected ${value}, got ${seen.labels[key] ?? 'no such label'}`);
    return broken('cluster', 'NotSelected', ['spec.selector does not select it', ...missing]);
  }
  if (seen.leaving) return broken('cluster', 'ClusterLeaving', ['is being detached from the hub']);
  if (!seen.reachable) {
    return broken('cluster', reasons.unreachable, ['selected, but OCM says that it is not available']);
  }
  return ok('cluster', ['selected and available']);
}

/** Trouble with the inventory that leaves kernels out; ignored lines alone leave none out that runs. */
const inventoryBreaks: ReadonlySet<string> = new Set([
  reasons.noKernelClaim,
  reasons.noKernels,
  reasons.claimIncomplete,
  reasons.kernelsDeferred,
]);

function claimLink({ view, kernels, seen }: Sight): Link {
  if (view.wanted !== undefined && view.wanted.moduleSpec.moduleLoader === undefined) {
    return ok('claim', ['not needed: the Module has no moduleLoader']);
  }
  if (seen === undefined) return { name: 'claim', state: 'unknown', seen: ['without a ManagedCluster there is none'] };
  const notes = kernels.problems.map(({ message }) => message);
  const running = kernels.running.length === 0 ? [] : [`runs ${kernels.running.join(', ')}`];
  const trouble = kernels.problems.find(({ reason }) => inventoryBreaks.has(reason));
  if (trouble !== undefined) return broken('claim', trouble.reason, [...notes, ...running]);
  return ok('claim', [...running, ...notes]);
}
