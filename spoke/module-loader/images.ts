import type { ConditionState } from '../../shared/core/conditions.ts';
import type { ImageState } from '../../shared/images/look-up.ts';
import type { WantedImage } from '../images/wanted.ts';
import { reasons } from './reasons.ts';
import type { MadeImage } from './resolve.ts';
import type { Survey } from './survey.ts';

type Trouble = { reason: string; message: string };

/**
 * The images of a Module that have to be made, or looked at, before they are loaded. What a running pin settles is not
 * asked about, and is wanted only for the Jobs that are left of its making.
 */
export function wantedImages({ made, deleting, refusal }: Survey): WantedImage[] {
  if (deleting || refusal !== undefined) return [];
  return [...made.values()].flatMap(({ wanted, settled, hasJobs }) => (settled && !hasJobs ? [] : [wanted]));
}

/** Why it is not there; undefined while that is only being found out, and for one that is. */
export function imageTrouble(image: ImageState): Trouble | undefined {
  switch (image.state) {
    case 'Verified':
    case 'Checking':
      return undefined;
    case 'Missing':
      return { reason: reasons.imageMissing, message: image.message };
    default:
      return { reason: image.reason, message: image.message };
  }
}

/** Nobody will mend it but people. */
export function imageFailed(seen: Survey): Trouble | null {
  return worst(seen, ({ state }) => state.state === 'Failed');
}

/** A kernel that waits for its image. */
export function imageAwaited(seen: Survey): Trouble | null {
  return worst(seen, ({ wanted }) => seen.kernels.get(wanted.kernel)?.kind === 'waiting');
}

/** Undefined: no image of the Module can be made here. */
export function imagesReady(seen: Survey): Pick<ConditionState, 'status' | 'reason' | 'message'> | undefined {
  if (seen.made.size === 0) return undefined;
  const trouble = imageFailed(seen) ?? worst(seen, () => true);
  if (trouble !== null) return { status: 'False', ...trouble };
  return { status: 'True', reason: reasons.imagesVerified, message: '' };
}

function worst({ made }: Survey, counts: (made: MadeImage) => boolean): Trouble | null {
  const open = [...made.values()]
    .filter((each) => !each.settled && each.state.state !== 'Verified' && counts(each))
    .sort((a, b) => (a.wanted.kernel < b.wanted.kernel ? -1 : 1));
  const [first] = open;
  if (first === undefined) return null;
  const { wanted, state } = first;
  const { reason, message } = imageTrouble(state) ?? { reason: reasons.imageChecking, message: 'is being looked up' };
  const others = open.length === 1 ? '' : `; and the images of ${open.length - 1} other kernels`;
  return { reason, message: `kernel ${wanted.kernel}, image ${wanted.request.image}: ${message}${others}` };
}
