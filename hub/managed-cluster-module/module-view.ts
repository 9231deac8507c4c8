import type { ManagedClusterModule, ManagedClusterModuleSpec, ModuleSpec } from '@open-cluster-management/api-types';
import { durationMs, managedClusterModuleSpecSchema } from '@open-cluster-management/api-types/schemas';
import { type Owner, ownerOf } from '../../shared/kube/ownership.ts';
import type { Selector } from '../fleet/selection.ts';
import { deletionPolicyOf, worksOutliveIt } from './orphan/policy.ts';
import { type Problem, reasons } from './reasons.ts';
import { revisionName } from './revisions.ts';
import { moduleProblems, patternWarnings } from './spec-problems.ts';

/** A ManagedClusterModule parsed once for all its clusters. */
export interface ModuleView {
  name: string;
  generation: number;
  owner: Owner;
  /** Becomes the controller of its works; undefined while they must outlive it. */
  worksOwner: Owner | undefined;
  /** Being deleted: the garbage collector or `orphan/` takes the works, nothing new is written any more. */
  leaving: boolean;
  /** Of the object itself; an invalid spec is among them, and then nothing new is shipped. */
  problems: readonly Problem[];
  hold: Problem | undefined;
  selector: Selector;
  /** Empty when the spec does not say it. */
  spokeNamespace: string;
  /** Undefined when the spec is invalid. */
  wanted: { moduleSpec: ModuleSpec; revision: string } | undefined;
  imageCheck: 'Required' | 'Skip';
  minSuccessMs: number;
  deadlineMs: number | undefined;
}

/** Views by object: the cache gives the same object until it changes. */
export class ModuleViews {
  #views = new WeakMap<ManagedClusterModule, ModuleView>();

  of(module: ManagedClusterModule): ModuleView {
    const known = this.#views.get(module);
    if (known !== undefined) return known;
    const view = viewModule(module);
    this.#views.set(module, view);
    return view;
  }
}

export function viewModule(module: ManagedClusterModule): ModuleView {
  // An older CRD may have let an object in that has no spec at all.
  const spec = module.spec ?? ({} as ManagedClusterModuleSpec);
  const invalid = invalidity(module);
  const { moduleSpec, rollout } = spec;
  const isValid = invalid === undefined && moduleSpec !== undefined;
  const { name, generation = 0, deletionTimestamp } = module.metadata;
  return {
    name,
    generation,
    owner: ownerOf(module),
    worksOwner: worksOutliveIt(deletionPolicyOf(module)) ? undefined : ownerOf(module),
    leaving: deletionTimestamp !== undefined,
    problems: [invalid, ...(isValid ? patternProblems(moduleSpec) : [])].filter((problem) => problem !== undefined),
    hold: invalid ?? holdOf(spec),
    selector: spec.selector ?? {},
    spokeNamespace: typeof spec.spokeNamespace === 'string' ? spec.spokeNamespace : '',
    wanted: isValid ? { moduleSpec, revision: revisionName(name, moduleSpec) } : undefined,
    imageCheck: spec.imageCheck === 'Skip' ? 'Skip' : 'Required',
    minSuccessMs: durationMs(rollout?.minSuccessTime ?? '0') ?? 0,
    // A deadline of nothing would fail every cluster at once: it says the same as none.
    deadlineMs: durationMs(rollout?.progressDeadline ?? 'None') || undefined,
  };
}

/** Labels on works carry the name. */
const nameCharsMax = 63;
/** Name and namespace of a Module together: labels of nodes carry both; upstream's webhook on the clusters asks the same. */
const identityCharsMax = 41;

/** What an older CRD let in, or none checked: every problem, with its field. */
function invalidity({ metadata, spec }: ManagedClusterModule): Problem | undefined {
  const problems: string[] = [];
  if (metadata.name.length > nameCharsMax) {
    problems.push(`metadata.name: expected at most ${nameCharsMax} characters, got ${metadata.name.length}`);
  }
  const parsed = managedClusterModuleSpecSchema.safeParse(spec);
  if (parsed.success) problems.push(...namespaceProblems(metadata.name, spec.spokeNamespace));
  if (parsed.success && spec.moduleSpec !== undefined) problems.push(...moduleProblems(spec.moduleSpec));
  for (const issue of parsed.error?.issues ?? [])
    problems.push(`${['spec', ...issue.path].join('.')}: ${issue.message}`);
  if (parsed.success && spec.moduleSpec === undefined) problems.push('spec.moduleSpec: expected a Module, got none');
  if (problems.length === 0) return undefined;
  return { reason: reasons.invalidSpec, message: `${problems.join('; ')}. What was shipped before stays as it is` };
}

function namespaceProblems(name: string, spokeNamespace: string): string[] {
  if (spokeNamespace === '') return ['spec.spokeNamespace: expected a namespace, got an empty text'];
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(spokeNamespace)) {
    return [`spec.spokeNamespace: expected the name of a namespace, got ${JSON.stringify(spokeNamespace)}`];
  }
  const chars = name.length + spokeNamespace.length;
  if (chars <= identityCharsMax) return [];
  return [
    `metadata.name and spec.spokeNamespace: expected at most ${identityCharsMax} characters together, got ${chars}`,
  ];
}

/**
 * Why no cluster gets a new state. Shipping to all at once where waves were asked for could break a whole fleet, so a
 * type that is not supported yet ships nothing new; kernels are still added to the version that a cluster has.
 */
function holdOf({ rollout }: ManagedClusterModuleSpec): Problem | undefined {
  const type = rollout?.type ?? 'All';
  if (type !== 'All') {
    const message = `rollout type ${type} is not supported by this version of the hub: no cluster gets a new state. Use type All`;
    return { reason: reasons.rolloutNotSupported, message };
  }
  if (rollout?.paused)
    return { reason: reasons.paused, message: 'paused: no cluster is started (spec.rollout.paused)' };
  return undefined;
}

/** Nothing is held up: other mappings, and other parts of the expression, may be right. */
function patternProblems(moduleSpec: ModuleSpec): Problem[] {
  return patternWarnings(moduleSpec).map((message) => ({ reason: reasons.regexpNeverMatches, message }));
}
