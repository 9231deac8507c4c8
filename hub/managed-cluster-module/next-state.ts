import type { ModuleSpec } from '@open-cluster-management/api-types';
import { canonicalJson } from '../../shared/core/hash.ts';
import { limits } from '../../shared/core/limits.ts';
import type { KnownKernels } from '../fleet/kernels.ts';
import { parseAdopted } from './adoption.ts';
import { type ImageQuestions, type KernelPlan, planKernel } from './kernel-plan.ts';
import type { PresentWork } from './picture.ts';
import { type Problem, reasons } from './reasons.ts';
import type { Revision } from './revision.ts';
import { type ShippedMapping, shippedSpec } from './shipped-spec.ts';
import { mappingsIn, rawMappings } from './work.ts';

/** What a cluster could be given at one revision. */
export interface NextState {
  /** Undefined: nothing can be shipped now, what is there stays. */
  spec: ModuleSpec | undefined;
  /** Kept on the work of an adopted cluster. */
  adopted?: string | undefined;
  /** What is missing until the cluster has all of the revision that it should have. */
  waiting: Problem[];
  notices: Problem[];
  plans: KernelPlan[];
}

export interface Step {
  revision: Revision;
  work: PresentWork | undefined;
  kernels: KnownKernels;
  images: ImageQuestions;
}

/**
 * A cluster's first state, or one of another revision. It waits until every kernel that runs there and has a mapping is
 * verified. A kernel that is only last known waits while the registry has not answered, and is dropped when that does not
 * give its image. A mapping that is wrong is left out, but takes no driver away that the cluster has.
 */
export function movedState({ revision, work, kernels, images }: Step): NextState {
  if (revision.moduleSpec.moduleLoader === undefined) return withoutLoader(revision, kernels);
  const running = kernels.running.map((kernel) => planKernel(revision, kernel, images));
  const lastKnown = kernels.lastKnown.map((kernel) => planKernel(revision, kernel, images));
  const upcoming = plansAhead(revision, kernels, images);
  const shipped = new Set(mappingsIn(work?.view.spec).map(({ literal }) => literal));
  const blocking = [
    ...running.filter((plan) => isOpen(plan) || (plan.state === 'Invalid' && shipped.has(plan.kernel))),
    ...[...lastKnown, ...upcoming].filter((plan) => shipped.has(plan.kernel) && isUndecided(plan)),
  ];
  const wanted = [
    ...running,
    ...upcoming,
    ...lastKnown.filter((plan) => plan.mapping !== undefined || isUndecided(plan)),
  ];
  const plans = wanted.slice(0, limits.kernelMappingsMax);
  const invalid = running.filter((plan) => plan.state === 'Invalid' && !blocking.includes(plan)).map(problemOf);
  const unmapped = running.filter((plan) => plan.state === 'Unmapped').map(problemOf);
  const base = { plans, notices: [...kernels.problems, ...unmapped] };
  if (blocking.length > 0) return { ...base, spec: undefined, waiting: [...blocking.map(problemOf), ...invalid] };
  const mappings = shippable(plans);
  if (mappings.length > 0) return { ...base, spec: shippedSpec(revision.moduleSpec, mappings), waiting: invalid };
  return { ...base, spec: undefined, waiting: [...invalid, ...unmapped, ...kernels.problems].slice(0, namedMax) };
}

/** Of kernels that nodes will boot: looked for as long as they are named, and shipped as soon as they can be. */
function plansAhead(revision: Revision, { upcoming }: KnownKernels, images: ImageQuestions): KernelPlan[] {
  return upcoming.map((kernel) => planKernel(revision, kernel, images, { upcoming: true }));
}

/** Reasons that are named of one cluster that has no kernel to be served. */
const namedMax = 8;

/**
 * The state that a cluster has at the revision that it is at: what somebody edited is put back, and new kernels are added
 * as soon as they are verified. A mapping that was shipped is never changed, nor taken away while a node may need it.
 */
export function keptState({ revision, work, kernels, images }: Step & { work: PresentWork }): NextState {
  if (revision.moduleSpec.moduleLoader === undefined) return withoutLoader(revision, kernels);
  const kept = keptParts(work, revision);
  const has = new Set(kept.mappings.map(({ literal }) => literal));
  const runs = new Set(kernels.running);
  const candidates = [...kernels.running, ...kernels.upcoming, ...kernels.lastKnown].filter(
    (kernel) => !has.has(kernel),
  );
  const plans = [
    ...kernels.running.map((kernel) => planKernel(revision, kernel, images)),
    ...plansAhead(revision, kernels, images),
    ...kernels.lastKnown.map((kernel) => planKernel(revision, kernel, images)),
  ];
  const added = plans.filter((plan) => candidates.includes(plan.kernel));
  // An edit is put back whole: while a mapping that is still there cannot be made anew, the work stays as it is.
  const isLoss = (plan: KernelPlan) =>
    kept.edited && mentions(work, plan.kernel) && (runs.has(plan.kernel) ? isOpen(plan) : isUndecided(plan));
  const isMissed = (plan: KernelPlan) => runs.has(plan.kernel) && (isOpen(plan) || plan.state === 'Invalid');
  const open = added.filter((plan) => isMissed(plan) || isLoss(plan));
  const unmapped = added.filter((plan) => plan.state === 'Unmapped' && !plan.upcoming).map(problemOf);
  const base = { plans, waiting: open.map(problemOf), notices: [...kernels.problems, ...unmapped] };
  const mappings = shippable(added);
  if (added.some(isLoss) || mappings.length + kept.mappings.length === 0) return { ...base, spec: undefined };
  const all = fitting([...kept.mappings, ...mappings], runs);
  return { ...base, spec: kept.specOf(all), adopted: kept.adopted };
}

/** A Module takes so many mappings: those that no node is known to need give way, the first ones first. */
function fitting(mappings: readonly ShippedMapping[], runs: ReadonlySet<string>): readonly ShippedMapping[] {
  let surplus = mappings.length - limits.kernelMappingsMax;
  return mappings.filter(({ literal }) => surplus <= 0 || runs.has(literal) || surplus-- <= 0);
}

function withoutLoader(revision: Revision, kernels: KnownKernels): NextState {
  // A device plugin alone needs no kernel's name: what is wrong with the inventory is not waited for.
  return { spec: shippedSpec(revision.moduleSpec, []), waiting: [], notices: kernels.problems, plans: [] };
}

interface KeptParts {
  mappings: ShippedMapping[];
  /** Somebody changed the spec since it was written. */
  edited: boolean;
  adopted?: string;
  specOf(mappings: readonly ShippedMapping[]): ModuleSpec;
}

/** What of the present work must come out again byte for byte. */
function keptParts({ view }: PresentWork, revision: Revision): KeptParts {
  const isUpstreams = view.revision === undefined;
  const edited = !isUpstreams && !view.genuine;
  const original = isUpstreams ? view.spec : parseAdopted(view.adopted);
  const source = edited ? original : view.spec;
  if (original !== undefined) {
    const adopted = isUpstreams ? canonicalJson(original) : view.adopted;
    const mappings = rawMappings(source) as ShippedMapping[];
    const specOf = (all: readonly ShippedMapping[]) => withMappings(original, all);
    return { mappings, edited, specOf, ...(adopted === undefined ? {} : { adopted }) };
  }
  return { mappings: mappingsIn(source), edited, specOf: (all) => shippedSpec(revision.moduleSpec, all) };
}

function withMappings(spec: ModuleSpec, mappings: readonly ShippedMapping[]): ModuleSpec {
  const { moduleLoader } = spec;
  if (!moduleLoader) return spec;
  const container = { ...moduleLoader.container, kernelMappings: mappings };
  return { ...spec, moduleLoader: { ...moduleLoader, container } } as unknown as ModuleSpec;
}

function mentions({ view }: PresentWork, kernel: string): boolean {
  return view.spec === undefined || mappingsIn(view.spec).some(({ literal }) => literal === kernel);
}

function shippable(plans: readonly KernelPlan[]): ShippedMapping[] {
  return plans.flatMap(({ mapping }) => (mapping === undefined ? [] : [mapping]));
}

/** Should be shipped, and cannot be yet. */
function isOpen({ state, image, mapping }: KernelPlan): boolean {
  return state !== 'Unmapped' && state !== 'Invalid' && image !== undefined && mapping === undefined;
}

/**
 * What the registry may still say of a kernel that nobody claims. A refusal is an answer: some registries refuse what
 * they do not have (contract 8), and a version must not wait for ever for a kernel that is gone.
 */
function isUndecided({ state, reason }: KernelPlan): boolean {
  if (state === 'Checking' || state === 'Building' || state === 'Signing') return true;
  return state === 'Unknown' && reason !== 'AccessDenied' && reason !== 'InvalidImage';
}

function problemOf({ kernel, image, reason, message }: KernelPlan): Problem {
  const subject = image === undefined ? `kernel ${kernel}` : `kernel ${kernel}, image ${image}`;
  return { reason: reason === '' ? reasons.waiting : reason, message: `${subject}: ${message}` };
}
