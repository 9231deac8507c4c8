import type { ManagedClusterModuleStatus } from '@open-cluster-management/api-types';
import { managedClusterModuleStatusBounds as bounds } from '@open-cluster-management/api-types/schemas';
import { shortened } from '../../../shared/core/conditions.ts';
import { examples, examplesMax, rest } from '../examples.ts';
import type { StatusPicture } from '../status.ts';
import type { Tally } from '../tally.ts';
import type { RolloutDecision } from './admit.ts';
import { groupName, type Waves } from './strategy.ts';

export type RolloutPhase = NonNullable<NonNullable<ManagedClusterModuleStatus['rollout']>['phase']>;

/** A rollout that goes in waves, as it stands. */
export interface WavesStanding extends RolloutDecision {
  waves: Waves;
}

/** `status.rollout`; its counts add up to `selected`. `message`: what it waits for. Pure. */
export function rolloutStatus(
  picture: StatusPicture,
  tally: Tally,
  message: string | undefined,
): ManagedClusterModuleStatus['rollout'] {
  const { revision, standing } = picture;
  const group = standing?.group === undefined ? undefined : groupName(standing.waves, standing.group);
  return {
    ...(revision === undefined ? {} : { revision }),
    phase: phaseOf(picture, tally),
    ...(group === undefined ? {} : { group }),
    ...(message === undefined ? {} : { message: shortened(message, bounds.messageCharsMax) }),
    selected: tally.selected.length,
    updated: tally.updated,
    succeeded: tally.succeeded.length,
    progressing: tally.progressing.length,
    waiting: tally.waiting.length,
    failed: tally.failed.length,
    unreachable: tally.unreachable.length,
  };
}

/** Stopped: nothing goes on by itself, and clusters have failed. */
export function phaseOf({ hold, standing }: StatusPicture, tally: Tally): RolloutPhase {
  if (hold !== undefined) return 'Paused';
  if (standing?.stopped !== undefined) return 'Stopped';
  // Failures within the limit are part of a rollout that is through.
  if (standing !== undefined) return standing.group === undefined ? 'Complete' : 'Progressing';
  if (tally.succeeded.length === tally.selected.length - tally.unreachable.length) return 'Complete';
  return tally.progressing.length + tally.waiting.length === 0 ? 'Stopped' : 'Progressing';
}

/** What the rollout waits for, or why it does not go on; undefined where nothing goes in waves. */
export function waitsFor({ standing }: StatusPicture, tally: Tally): string | undefined {
  if (standing === undefined) return undefined;
  const { stopped, group, open, waves } = standing;
  const named = (names: readonly string[]) => {
    const first = names
      .slice(0, examplesMax)
      .flatMap((name) => tally.selected.find(({ cluster }) => cluster === name) ?? []);
    return `${examples(first)}${rest(names)}`;
  };
  if (stopped !== undefined) {
    const { failed, allowed } = stopped;
    const all = `${failed.length} clusters failed, ${allowed} may (spec.rollout.maxFailures): ${named(failed)}`;
    return `${all}; no further cluster is started until they are mended, the limit is raised, or spec.moduleSpec is edited`;
  }
  if (group === undefined) return undefined;
  const done = tally.selected.length - tally.unreachable.length - tally.waiting.length - tally.progressing.length;
  const where = waves.groups.length === 0 ? '' : `${placeOf(waves, group)}: `;
  return `${where}${done} of ${tally.selected.length} clusters are done; the next to end: ${named(open)}`;
}

function placeOf(waves: Waves, group: number): string {
  const name = groupName(waves, group);
  return name === undefined ? 'clusters of no group' : `group ${name} (${group + 1} of ${waves.groups.length})`;
}
