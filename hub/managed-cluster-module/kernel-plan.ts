import { unreachable } from '../../shared/core/assert.ts';
import type { ImageRequest, ImageState } from '../../shared/images/checks.ts';
import type { ResolvedMapping } from '../../shared/kernel/mapping.ts';
import { makingReasons } from '../../shared/making/making-reasons.ts';
import { parseReference, pinnedReference } from '../../shared/registry/reference.ts';
import { reasons } from './reasons.ts';
import type { Revision } from './revision.ts';
import { type ShippedMapping, shippedMapping } from './shipped-spec.ts';

/** What a revision means for one kernel, and how far its image is. */
export interface KernelPlan {
  kernel: string;
  revision: string;
  /** `Unmapped`: not targeted. `Invalid`: its mapping is wrong. `Unchecked`: shipped by name (`imageCheck: Skip`). */
  state:
    | 'Verified'
    | 'Unchecked'
    | 'Checking'
    | 'Missing'
    | 'Unknown'
    | 'Building'
    | 'Signing'
    | 'Failed'
    | 'Unmapped'
    | 'Invalid';
  reason: string;
  message: string;
  image?: string;
  digest?: string;
  request?: ImageRequest;
  /** `imageRebuildTriggerGeneration` of the revision. */
  generation?: number | undefined;
  /** No node of the cluster runs the kernel yet. */
  upcoming?: true;
  /** Set exactly when it can be shipped: `Verified` or `Unchecked`. */
  mapping?: ShippedMapping;
}

/** How images are looked up; the answers are part of the picture, so deciding stays pure. */
export interface ImageQuestions {
  imageCheck: 'Required' | 'Skip';
  /** Namespace of `imageRepoSecret` on the hub. */
  secretNamespace: string;
  stateOf(revision: Revision, request: ImageRequest): ImageState;
}

/** Of thousands of clusters that run a kernel each has the same plan: it is once in memory, under its kernel. */
const plansKnown = new WeakMap<Revision, Map<string, KernelPlan[]>>();
/** Kernels per revision, which are text from clusters; and plans per kernel, which change with its image. */
const plansMax = { kernels: 2048, perKernel: 8 } as const;

/** Equal answers are one object. */
export function planKernel(
  revision: Revision,
  kernel: string,
  images: ImageQuestions,
  { upcoming = false }: { upcoming?: boolean } = {},
): KernelPlan {
  const known = plansKnown.get(revision) ?? new Map<string, KernelPlan[]>();
  plansKnown.set(revision, known);
  const plans = known.get(kernel) ?? [];
  const verified = plans.find((each) => (each.upcoming ?? false) === upcoming && isVerified(each, revision, images));
  if (verified !== undefined) return verified;
  const plan = { ...planAnew(revision, kernel, images), ...(upcoming && { upcoming: true as const }) };
  const present = plans.find((each) => isSame(each, plan));
  if (present !== undefined) return present;
  if (known.size >= plansMax.kernels) known.clear();
  known.set(kernel, [plan, ...plans].slice(0, plansMax.perKernel));
  return plan;
}

/** It would come out the same again: so it is for nearly all looks. */
function isVerified({ state, digest, request }: KernelPlan, revision: Revision, images: ImageQuestions): boolean {
  if (state !== 'Verified' || request === undefined || images.imageCheck === 'Skip') return false;
  if (request.secret !== undefined && request.secret.namespace !== images.secretNamespace) return false;
  const found = images.stateOf(revision, request);
  return found.state === 'Verified' && found.digest === digest;
}

/** Of one revision and kernel: all else follows from these. */
function isSame(a: KernelPlan, b: KernelPlan): boolean {
  const isAlike = a.state === b.state && a.digest === b.digest && a.upcoming === b.upcoming;
  const secret = ({ request }: KernelPlan) => request?.secret?.namespace;
  return isAlike && a.reason === b.reason && a.message === b.message && secret(a) === secret(b);
}

function planAnew(revision: Revision, kernel: string, images: ImageQuestions): KernelPlan {
  const base = { kernel, revision: revision.name };
  const answer = revision.resolve(kernel);
  switch (answer.kind) {
    case 'none':
      return { ...base, state: 'Unmapped', reason: reasons.noMapping, message: 'no kernel mapping matches' };
    case 'error':
      return { ...base, state: 'Invalid', reason: reasons.mappingError, message: answer.message };
    case 'match':
      return { ...base, ...planImage(revision, answer.mapping, images) };
    default:
      return unreachable(answer);
  }
}

type ImagePlan = Omit<KernelPlan, 'kernel' | 'revision'>;

function planImage(revision: Revision, mapping: ResolvedMapping, images: ImageQuestions): ImagePlan {
  const image = mapping.containerImage;
  if (images.imageCheck === 'Skip') {
    const message = 'shipped by name, not checked (imageCheck: Skip)';
    return { state: 'Unchecked', reason: reasons.imagesNotChecked, message, image, mapping: shipped(mapping, image) };
  }
  const recipe = revision.recipe(mapping, images.secretNamespace);
  const request = imageRequest(revision, mapping, images.secretNamespace);
  const found = images.stateOf(revision, request);
  const base = { image, request, generation: revision.moduleSpec.imageRebuildTriggerGeneration };
  switch (found.state) {
    case 'Verified':
      return { ...base, ...verified(mapping, found.digest) };
    case 'Checking':
      return { ...base, state: 'Checking', reason: reasons.imageChecking, message: 'is being looked up' };
    case 'Missing':
      if (recipe.kind === 'error') {
        return { ...base, state: 'Failed', reason: makingReasons.recipeInvalid, message: recipe.message };
      }
      return { ...base, state: 'Missing', reason: reasons.imageMissing, message: found.message };
    case 'Unknown':
    case 'Building':
    case 'Signing':
    case 'Failed':
      return { ...base, state: found.state, reason: found.reason, message: found.message };
    default:
      return unreachable(found);
  }
}

export function imageRequest(revision: Revision, mapping: ResolvedMapping, secretNamespace: string): ImageRequest {
  const secret = revision.moduleSpec.imageRepoSecret?.name;
  const recipe = revision.recipe(mapping, secretNamespace);
  return {
    image: mapping.containerImage,
    ...(secret ? { secret: { namespace: secretNamespace, name: secret } } : {}),
    tls: mapping.registryTLS,
    ...(recipe.kind === 'recipe' && { recipe: recipe.recipe }),
  };
}

function verified(mapping: ResolvedMapping, digest: string): ImagePlan {
  const parsed = parseReference(mapping.containerImage);
  if (parsed.kind === 'invalid') return { state: 'Unknown', reason: reasons.imageUnknown, message: parsed.message };
  const pinned = pinnedReference(parsed.reference, digest);
  return { state: 'Verified', reason: reasons.imagesVerified, message: '', digest, mapping: shipped(mapping, pinned) };
}

function shipped(mapping: ResolvedMapping, containerImage: string): ShippedMapping {
  const { kernelVersion: literal, inTreeModulesToRemove } = mapping;
  return shippedMapping({ literal, containerImage, inTreeModulesToRemove });
}
