import type { PresentWork } from '../managed-cluster-module/picture.ts';
import type { Problem } from '../managed-cluster-module/reasons.ts';
import { upcomingOf } from '../managed-cluster-module/record-of.ts';
import { mappingsIn } from '../managed-cluster-module/work.ts';
import { counted, someOf } from './lines.ts';
import type { FleetPlan } from './plan.ts';
import type { Outcome } from './plan-sides.ts';

/** A kernel that an edit adds to, or drops from, the upcoming ones of a cluster. */
export interface UpcomingPlan {
  kernel: string;
  edit: 'added' | 'dropped';
  outcome: keyof typeof meanings;
  /** Of `NotPrepared`. */
  problem?: Problem;
}

/** A cluster would … */
const meanings = {
  Written: 'get a write that maps it',
  Late: 'get a write that maps it once reachable again',
  Mapped: 'go on mapping it, as now',
  NotPrepared: 'not be prepared for it',
  Kept: 'map it all the same',
  NotAhead: 'not get it beforehand any more',
  Lost: 'lose its mapping',
  NotNeeded: 'need no kernel: the Module has no moduleLoader',
} as const;

/** Of one cluster, by the kernels' names. Pure. */
export function upcomingPlans(of: {
  before: Outcome | undefined;
  after: Outcome;
  present: PresentWork | undefined;
  isReachable: boolean;
}): UpcomingPlan[] {
  const { picture, decision, mappings } = of.after;
  const now = new Set(mappingsIn(of.present?.view.spec).map(({ literal }) => literal));
  const then = new Set(mappings.map(({ literal }) => literal));
  const old = of.before?.picture.upcoming ?? [];
  const isNeeded = picture.module.current?.moduleSpec.moduleLoader !== undefined;
  const added = upcomingOf({ picture, decision, failure: undefined })
    .filter(({ kernel }) => !old.includes(kernel))
    .map(({ kernel, problem }): UpcomingPlan => {
      const base = { kernel, edit: 'added' } as const;
      if (!isNeeded) return { ...base, outcome: 'NotNeeded' };
      if (problem === undefined && now.has(kernel)) return { ...base, outcome: 'Mapped' };
      if (problem === undefined) return { ...base, outcome: of.isReachable ? 'Written' : 'Late' };
      return { ...base, outcome: 'NotPrepared', problem: { reason: problem.reason, message: problem.message } };
    });
  const dropped = old
    .filter((kernel) => !picture.upcoming.includes(kernel))
    .map((kernel): UpcomingPlan => {
      const without = now.has(kernel) ? 'Lost' : isNeeded ? 'NotAhead' : 'NotNeeded';
      return { kernel, edit: 'dropped', outcome: then.has(kernel) ? 'Kept' : without };
    });
  return [...added, ...dropped].sort((a, b) => (a.kernel < b.kernel ? -1 : 1));
}

/** What becomes of whom, each kernel, outcome and reason once. */
export interface UpcomingChange extends Omit<UpcomingPlan, 'outcome'> {
  outcome: UpcomingPlan['outcome'] | 'NoCluster';
  clusters: string[];
}

export function upcomingChanges({ view, old, clusters }: FleetPlan): UpcomingChange[] {
  const all = clusters.flatMap(({ cluster, upcoming }) => upcoming.map((plan) => ({ cluster, plan })));
  const groups = Map.groupBy(all, ({ plan: { kernel, edit, outcome, problem } }) =>
    JSON.stringify([kernel, edit, outcome, problem?.reason]),
  );
  const found = [...groups.values()].map((members) => ({
    ...members[0]!.plan,
    clusters: members.map(({ cluster }) => cluster),
  }));
  const named = new Set(all.map(({ plan }) => plan.kernel));
  const [before, after] = [kernelsOf(old), kernelsOf(view)];
  const idle = (kernels: Set<string>, edit: UpcomingChange['edit']) =>
    [...kernels]
      .filter((kernel) => !named.has(kernel))
      .map((kernel) => ({ kernel, edit, outcome: 'NoCluster' as const, clusters: [] }));
  return [...found, ...idle(after.difference(before), 'added'), ...idle(before.difference(after), 'dropped')].sort(
    (a, b) => (a.kernel < b.kernel ? -1 : a.kernel > b.kernel ? 1 : 0),
  );
}

function kernelsOf(view: FleetPlan['old']): Set<string> {
  return new Set(view?.upcoming.map(({ kernel }) => kernel));
}

export function upcomingLines(plan: FleetPlan): string[] {
  const lines = upcomingChanges(plan).map(({ kernel, edit, outcome, problem, clusters }) => {
    const head = `upcoming ${kernel} is ${edit}`;
    if (outcome === 'NoCluster') return `${head}: no selected cluster is meant`;
    const why = problem === undefined ? '' : `: ${problem.reason}: ${problem.message}`;
    return `${head}: ${counted(clusters.length, 'cluster')} would ${meanings[outcome]}: ${someOf(clusters)}${why}`;
  });
  return lines.length === 0 ? [] : ['', ...lines];
}
