import type { ImageChecks } from '../images/checks.ts';
import type { CondemnedImages } from './condemned-images.ts';
import type { MakingMemory } from './making-memory.ts';
import { type Ordered, orderOf } from './orders.ts';
import { type Inputs, type MakingJob, type MakingPicture, neverMs } from './picture.ts';
import { expectationOf } from './verdicts.ts';
import type { Workshop } from './workshop.ts';

export interface MakingSources
  extends Pick<MakingPicture, 'image' | 'mayStart' | 'heldMs' | 'unwantedMs' | 'keepFinishedMs' | 'nowMs'> {
  wants: readonly Ordered[];
  jobs: readonly MakingJob[];
  checks: Pick<ImageChecks, 'state' | 'askedMs'>;
  workshop: Workshop;
  memory: MakingMemory;
  condemned: Pick<CondemnedImages, 'has'>;
}

/** All that is known of one image: a few look-ups. */
export function gather({ wants, jobs, checks, workshop, memory, condemned, ...given }: MakingSources): MakingPicture {
  const { image } = given;
  const common = {
    ...given,
    jobs,
    expectations: [...new Set(wants.map(({ recipe }) => expectationOf(recipe)))].sort(),
    wasGood: memory.verdicts.wasGood(image),
    failures: memory.failures(image),
    foreign: memory.foreign(image),
  };
  const chosen = firstReady(wants, jobs, workshop);
  if (chosen === undefined) {
    const inputs = { kind: 'ready', build: undefined, sign: undefined } as const;
    const existence = { state: 'Checking' } as const;
    const nothing = { recipe: undefined, existence, askedMs: neverMs, isCondemned: false };
    return { ...common, ...nothing, inputs, verdicts: new Map() };
  }
  const { want, inputs } = chosen;
  const existence = checks.state(want.request, want.generation);
  return {
    ...common,
    isCondemned: condemned.has(image, existence),
    recipe: want.recipe,
    existence,
    verdicts: existence.state === 'Verified' ? memory.verdicts.of(image, existence.digest) : new Map(),
    askedMs: checks.askedMs(want.request, want.generation) ?? neverMs,
    inputs,
  };
}

/** Who names something that is not there does not keep others from having the image made. */
function firstReady(
  wants: readonly Ordered[],
  jobs: readonly MakingJob[],
  workshop: Workshop,
): { want: Ordered; inputs: Inputs } | undefined {
  let first: { want: Ordered; inputs: Inputs } | undefined;
  for (const want of wants) {
    const found = { want, inputs: workshop.inputs(orderOf(want, jobs)) };
    if (found.inputs.kind === 'ready') return found;
    first ??= found;
  }
  return first;
}
