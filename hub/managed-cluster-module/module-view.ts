import {
  durationMs,
  type ManagedClusterModule,
  type ManagedClusterModuleSpec,
  type ModuleSpec,
} from '@open-cluster-management/api-types';
import { managedClusterModuleSpecSchema } from '@open-cluster-management/api-types/schemas';
import { shortened } from '../../shared/core/conditions.ts';
import { isKernelVersion, withoutPlus } from '../../shared/kernel/version.ts';
import { type Owner, ownerOf } from '../../shared/kube/ownership.ts';
import { type Selector, selects } from '../fleet/selection.ts';
import { deletionPolicyOf, worksOutliveIt } from './orphan/policy.ts';
import { type Problem, reasons } from './reasons.ts';
import { revisionName } from './revisions.ts';
import { type Waves, wavesOf } from './rollout/strategy.ts';
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
  upcoming: readonly { kernel: string; selector: Selector }[];
  /** Undefined: the present version goes to all at once. */
  waves: Waves | undefined;
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
    problems: [invalid, ...(isValid ? [...patternProblems(moduleSpec), ...upcomingProblems(spec)] : [])].filter(
      (problem) => problem !== undefined,
    ),
    hold: invalid ?? holdOf(spec),
    upcoming: isValid ? upcomingOf(spec) : [],
    waves: isValid ? wavesOf(rollout) : undefined,
    selector: spec.selector ?? {},
    spokeNamespace: typeof spec.spokeNamespace === 'string' ? spec.spokeNamespace : '',
    wanted: isValid ? { moduleSpec, revision: revisionName(name, moduleSpec) } : undefined,
    imageCheck: spec.imageCheck === 'Skip' ? 'Skip' : 'Required',
    minSuccessMs: durationMs(rollout?.minSuccessTime) ?? 0,
    // A deadline of nothing would fail every cluster at once: it says the same as none.
    deadlineMs: durationMs(rollout?.progressDeadline) || undefined,
  };
}

/** The kernels that nodes of a cluster with these labels will boot, each once, however many entries name it. */
export function upcomingFor({ upcoming }: ModuleView, labels: Selector | undefined): string[] {
  return [...new Set(upcoming.filter(({ selector }) => selects(selector, labels)).map(({ kernel }) => kernel))];
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

/** Why no cluster gets a new state; kernels are still added to the version that a cluster has. */
function holdOf({ rollout }: ManagedClusterModuleSpec): Problem | undefined {
  if (!rollout?.paused) return undefined;
  return { reason: reasons.paused, message: 'paused: no cluster is started (spec.rollout.paused)' };
}

/** Nothing is held up: other mappings, and other parts of the expression, may be right. */
function patternProblems(moduleSpec: ModuleSpec): Problem[] {
  return patternWarnings(moduleSpec).map((message) => ({ reason: reasons.regexpNeverMatches, message }));
}

function upcomingOf({ upcomingKernels = [] }: ManagedClusterModuleSpec): ModuleView['upcoming'] {
  return upcomingKernels
    .filter(({ kernelVersion }) => isKernelVersion(kernelVersion))
    .map(({ kernelVersion, selector = {} }) => ({ kernel: withoutPlus(kernelVersion), selector }));
}

function upcomingProblems({ upcomingKernels = [] }: ManagedClusterModuleSpec): Problem[] {
  return upcomingKernels.flatMap(({ kernelVersion }, index) => {
    if (isKernelVersion(kernelVersion)) return [];
    const got = JSON.stringify(shortened(kernelVersion, 64));
    const message = `spec.upcomingKernels[${index}].kernelVersion: expected a kernel version as uname -r prints it, got ${got}; it is left out`;
    return [{ reason: reasons.upcomingInvalid, message }];
  });
}
