import { sha256Hex } from '../../shared/core/hash.ts';
import { isRecord } from '../../shared/core/record.ts';
import { annotations } from '../../shared/kube/names.ts';
import type { DaemonSet } from '../../shared/kube/object.ts';
import { expectationOf } from '../../shared/making/verdicts.ts';
import { isDigest, parseReference, pinnedReference } from '../../shared/registry/reference.ts';
import type { WantedImage } from '../images/wanted.ts';

/**
 * What a kernel's loader was pinned to, kept on its DaemonSet: as long as the same is wanted the same runs, whatever becomes
 * of the tag, and without a question to the registry, also after a restart.
 */
export interface Pin {
  /** As the mapping names it. */
  image: string;
  generation: number | undefined;
  /** Hash of what it has to hold, for whichever architecture. */
  holds: string;
  /** That it is for; undefined: not known, as of pins that older versions wrote. */
  architecture: string | undefined;
  /** What runs: `repository@digest`; or, of a loader that ran before there were pins, the name itself. */
  pinned: string;
}

export function pinFor({ request: { image, recipe }, generation }: WantedImage, pinned: string): Pin {
  const { architecture, ...content } = recipe;
  return { image, generation, holds: sha256Hex(expectationOf(content), 8), architecture, pinned };
}

/** Undefined for an image whose name nobody understands: it was never verified. */
export function byDigest(image: string, digest: string): string | undefined {
  const parsed = parseReference(image);
  return parsed.kind === 'invalid' ? undefined : pinnedReference(parsed.reference, digest);
}

export function isPinOf(pin: Pin, wanted: WantedImage): boolean {
  const { image, generation, holds, architecture } = pinFor(wanted, '');
  const isFor = architecture === undefined || (pin.architecture ?? architecture) === architecture;
  return pin.image === image && pin.generation === generation && pin.holds === holds && isFor;
}

/** Of one that is a pin of what is wanted: with what is known now. */
export function completed(pin: Pin, { request: { recipe } }: WantedImage): Pin {
  return { ...pin, architecture: pin.architecture ?? recipe.architecture };
}

export function formatPin({ image, generation, holds, architecture, pinned }: Pin): string {
  // What is undefined is left out.
  return JSON.stringify({ image, generation, holds, architecture, pinned });
}

/** Anybody may write an annotation: one that names another repository is none. */
export function pinOn(daemonSet: DaemonSet | undefined): Pin | undefined {
  const value = parsed(daemonSet?.metadata.annotations?.[annotations.pinned]);
  if (!isRecord(value)) return undefined;
  const { image, generation, holds, architecture, pinned } = value;
  if (typeof image !== 'string' || typeof holds !== 'string' || typeof pinned !== 'string') return undefined;
  if (pinned !== image && !isOfSameRepository(pinned, image)) return undefined;
  return {
    image,
    generation: typeof generation === 'number' ? generation : undefined,
    holds,
    architecture: typeof architecture === 'string' ? architecture : undefined,
    pinned,
  };
}

function isOfSameRepository(pinned: string, image: string): boolean {
  const parts = parseReference(pinned);
  const digest = parts.kind === 'invalid' ? undefined : parts.reference.digest;
  return isDigest(digest) && byDigest(image, digest) === pinned;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
