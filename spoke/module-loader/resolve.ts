import type { ModuleLoaderContainer } from '@open-cluster-management/api-types';
import type { ImageState } from '../../shared/images/look-up.ts';
import { recipeOf } from '../../shared/images/recipe.ts';
import { type MappingResult, type ResolvedMapping, resolveMapping } from '../../shared/kernel/mapping.ts';
import { isKernelVersion } from '../../shared/kernel/version.ts';
import { annotations, readyLabel } from '../../shared/kube/names.ts';
import type { DaemonSet } from '../../shared/kube/object.ts';
import { sameImage, type WantedImage } from '../images/wanted.ts';
import { architectureOf, kernelOf } from '../nodes.ts';
import { purposeOf } from '../pods.ts';
import type { SpokeSettings } from '../settings.ts';
import { loaderName } from './daemon-set.ts';
import { hashOf, loadHashOf } from './loader-pod.ts';
import { byDigest, completed, isPinOf, type Pin, pinFor, pinOn } from './pin.ts';
import { reasons } from './reasons.ts';
import { type ModulePicture, selects } from './survey.ts';

/** What the mappings say for a kernel. Of an image that is made here, `mapping` names what was verified, by its digest. */
export type KernelMapping =
  | Exclude<MappingResult, { kind: 'match' }>
  | { kind: 'match'; mapping: ResolvedMapping; pin?: Pin }
  /** It is not verified yet: no loader is made for it, and one that is there stays as it is. */
  | { kind: 'waiting'; mapping: ResolvedMapping; image: ImageState };

/** An image that can be made here. */
export interface MadeImage {
  wanted: WantedImage;
  state: ImageState;
  /** It runs by its pin: nothing is asked about it. */
  settled: boolean;
  /** Of its making Jobs are left. */
  hasJobs: boolean;
}

/** What the spec says for one kernel, and the load hash that this makes. */
export interface Resolved {
  mapping: KernelMapping;
  hash: string | undefined;
  made?: MadeImage;
}

/** Once a kernel: nodes are many, kernels few. */
export function resolver(picture: ModulePicture): (kernel: string) => Resolved {
  const known = new Map<string, Resolved>();
  return (kernel) => {
    const resolved = known.get(kernel) ?? resolve(picture, kernel);
    known.set(kernel, resolved);
    return resolved;
  };
}

function resolve(picture: ModulePicture, kernel: string): Resolved {
  const { module, identity, settings } = picture;
  const container = module?.spec.moduleLoader?.container;
  if (module === undefined || container === undefined || !isKernelVersion(kernel)) {
    return { mapping: { kind: 'none' }, hash: undefined };
  }
  const found = firmwareProblem(container, settings) ?? resolveMapping(container, kernel, identity);
  if (found.kind !== 'match') return { mapping: found, hash: undefined };
  const { mapping, ...made } = madeHere(picture, { container, mapping: found.mapping });
  const hash = mapping.kind === 'match' ? hashOf({ module, mapping: mapping.mapping, settings }) : undefined;
  return { mapping, hash, ...made };
}

interface Matched {
  container: ModuleLoaderContainer;
  mapping: ResolvedMapping;
}

/** Of what others make the name is used as it is, and no registry is asked: kubelet has mirrors and logins that we have not (contract 8). */
function madeHere(picture: ModulePicture, matched: Matched): Pick<Resolved, 'mapping' | 'made'> {
  const { mapping } = matched;
  const wanted = wantedImage(picture, matched);
  if (wanted === undefined) return { mapping: { kind: 'match', mapping } };
  if ('message' in wanted) {
    return { mapping: { kind: 'error', reason: reasons.recipeInvalid, message: wanted.message } };
  }
  const daemonSet = loaderOf(picture, mapping.kernelVersion);
  const pin = pinOn(daemonSet) ?? adopted(picture, { daemonSet, mapping, wanted });
  const known = picture.images.get(mapping.kernelVersion);
  const state: ImageState = known && sameImage(known.wanted, wanted) ? known.state : { state: 'Checking' };
  const made = { wanted, state, settled: false, hasJobs: known?.hasJobs ?? false };
  if (pin !== undefined && isPinOf(pin, wanted)) {
    return { mapping: pinnedTo(completed(pin, wanted), mapping), made: { ...made, settled: true } };
  }
  const verified = state.state === 'Verified' ? byDigest(wanted.request.image, state.digest) : undefined;
  if (verified !== undefined) return { mapping: pinnedTo(pinFor(wanted, verified), mapping), made };
  // The same name is looked at anew: what it was found to be before goes on.
  if (pin !== undefined && pin.image === wanted.request.image) return { mapping: pinnedTo(pin, mapping), made };
  return { mapping: { kind: 'waiting', mapping, image: state }, made };
}

function pinnedTo(pin: Pin, mapping: ResolvedMapping): KernelMapping {
  return { kind: 'match', mapping: { ...mapping, containerImage: pin.pinned }, pin };
}

function loaderOf({ module, daemonSets }: ModulePicture, kernel: string): DaemonSet | undefined {
  const { metadata } = module ?? {};
  if (metadata === undefined) return undefined;
  const owned = ({ metadata: { ownerReferences } }: DaemonSet) =>
    ownerReferences?.some(({ uid, controller }) => controller === true && uid === metadata.uid);
  return daemonSets.find((each) => each.metadata.name === loaderName(metadata, kernel) && owned(each));
}

/** A loader of a version that knew no pins goes on by the name that it runs under, if it does run: nobody is reloaded for an update of ours. */
function adopted(
  { module, identity, settings, pods, nodes }: ModulePicture,
  { daemonSet, mapping, wanted }: { daemonSet: DaemonSet | undefined; mapping: ResolvedMapping; wanted: WantedImage },
): Pin | undefined {
  if (module === undefined || daemonSet === undefined) return undefined;
  // This version has written it: that the image is to be made was said afterwards, of one that others made.
  if (daemonSet.metadata.annotations?.[annotations.pinned] !== undefined) return undefined;
  const hash = hashOf({ module, mapping, settings });
  if (loadHashOf(daemonSet.spec.template) !== hash) return undefined;
  const label = readyLabel(identity.namespace, identity.name);
  const serving = new Set(
    nodes.filter(({ metadata }) => metadata.labels?.[label] !== undefined).map(({ metadata }) => metadata.name),
  );
  const runs = pods.some(
    (pod) => purposeOf(pod) === 'load' && loadHashOf(pod) === hash && serving.has(pod.spec.nodeName ?? ''),
  );
  return runs ? pinFor(wanted, mapping.containerImage) : undefined;
}

function wantedImage(
  { module, identity, nodes }: ModulePicture,
  { container, mapping }: Matched,
): WantedImage | { message: string } | undefined {
  const { namespace } = identity;
  const secret = module?.spec.imageRepoSecret?.name || undefined;
  const made = recipeOf({ container, mapping, identity, imageRepoSecret: secret, operatorNamespace: namespace });
  if (made.kind === 'none') return undefined;
  if (made.kind === 'error') return { message: made.message };
  const kernel = mapping.kernelVersion;
  // Of other nodes the Module asks nothing: one of them may be of another architecture.
  const served = nodes.filter((each) => kernelOf(each) === kernel && module !== undefined && selects(module, each));
  const found = [...new Set(served.flatMap((node) => architectureOf(node) ?? []))].sort();
  if (made.recipe.architecture === undefined && found.length > 1) {
    const message = `nodes of ${found.join(' and ')} run kernel ${kernel}: expected one architecture, by kubernetes.io/arch in the selector, since one image serves one`;
    return { message };
  }
  const architecture = made.recipe.architecture ?? found[0];
  const recipe = { ...made.recipe, ...(architecture !== undefined && { architecture }) };
  const request = {
    image: mapping.containerImage,
    tls: mapping.registryTLS,
    recipe,
    ...(secret !== undefined && { secret: { namespace, name: secret } }),
  };
  return { kernel, request, generation: module?.spec.imageRebuildTriggerGeneration };
}

/** Checklist 61: nothing is loaded without the firmware that it asks for; what is loaded stays. */
function firmwareProblem(
  { modprobe }: ModuleLoaderContainer,
  { worker }: SpokeSettings,
): Extract<MappingResult, { kind: 'error' }> | undefined {
  if (!modprobe.firmwarePath || worker.firmwareHostPath !== '') return undefined;
  const message =
    'modprobe.firmwarePath asks for firmware, and this cluster takes none: its worker.firmwareHostPath is empty';
  return { kind: 'error', reason: 'NoFirmwareHostPath', message };
}
