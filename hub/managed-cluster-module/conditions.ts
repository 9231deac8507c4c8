import type { ImageStatus } from '@open-cluster-management/api-types';
import type { ConditionState } from '../../shared/core/conditions.ts';
import { examples, examplesMax, rest } from './examples.ts';
import { reasons } from './reasons.ts';
import type { ClusterRecord } from './records.ts';
import type { StatusPicture } from './status.ts';
import type { Tally } from './tally.ts';

/** What else of the status the conditions tell of. */
interface Told {
  images: readonly ImageStatus[];
  /** What a rollout in waves waits for. */
  waits: string | undefined;
}

/** The five conditions (contract 5). `Ready` says whether, the others say why not. */
export function conditionsOf(picture: StatusPicture, tally: Tally, { images, waits }: Told): ConditionState[] {
  return [
    ready(picture, tally),
    imagesReady(picture, tally, images),
    progressing(picture, tally, waits),
    degraded(picture, tally),
    inventoryComplete(tally),
  ];
}

/** True exactly when every selected reachable cluster succeeded at the current revision. */
function ready({ problems }: StatusPicture, tally: Tally): ConditionState {
  const type = 'Ready';
  const [invalid] = problems.filter(({ reason }) => reason === reasons.invalidSpec);
  if (invalid !== undefined) return { type, status: 'False', ...invalid };
  const unwell = [...tally.failed, ...tally.waiting, ...tally.progressing];
  const reachable = tally.selected.length - tally.unreachable.length;
  const aside = [unreachableOnes(tally), silentOnes(tally)].join('');
  const [first] = unwell;
  if (first !== undefined) {
    const message = `${unwell.length} of ${reachable} reachable clusters are not ready: ${examples(unwell)}${aside}`;
    return { type, status: 'False', reason: first.reason, message };
  }
  if (tally.selected.length === 0) {
    return { type, status: 'True', reason: reasons.noClusters, message: 'the selector matches no ManagedCluster' };
  }
  const message = `all ${reachable} reachable clusters have the present revision and are well${aside}`;
  return { type, status: 'True', reason: reasons.ready, message };
}

function unreachableOnes({ unreachable }: Tally): string {
  return unreachable.length === 0 ? '' : `; ${unreachable.length} unreachable`;
}

/** Clusters that count as succeeded only because nothing was heard of a failure. */
function silentOnes({ silent }: Tally): string {
  if (silent.length === 0) return '';
  const named = silent.slice(0, examplesMax).map(({ cluster }) => cluster);
  return `; ${silent.length} report nothing: ${named}${rest(silent)}`;
}

/** False when an image is missing, in the making or no good; Unknown while the registry has not said, or a cluster cannot be looked at. */
function imagesReady({ imageCheck, warnings }: StatusPicture, tally: Tally, images: Told['images']): ConditionState {
  const type = 'ImagesReady';
  const open = images.filter(({ state }) => state !== 'Verified' && state !== 'Unchecked');
  const [first] = open;
  if (first !== undefined) {
    const named = open.slice(0, examplesMax).map(({ kernelVersion, image, message }) => {
      return `kernel ${kernelVersion}, image ${image}: ${message ?? ''}`;
    });
    const message = `${open.length} of ${images.length} images are not verified: ${named.join('; ')}${rest(open)}`;
    const status = first.state === 'Unknown' || first.state === 'Checking' ? 'Unknown' : 'False';
    return { type, status, reason: first.reason ?? reasons.imageUnknown, message };
  }
  if (imageCheck === 'Skip') {
    return {
      type,
      status: 'True',
      reason: reasons.imagesNotChecked,
      message: 'images are shipped by name, unverified',
    };
  }
  const known = images.length === 0 ? 'no image is known to be needed' : `all ${images.length} images are verified`;
  const { unread } = tally;
  if (unread.length > 0) {
    const unknown = `which images ${unread.length} clusters need is not known: ${examples(unread)}`;
    const message = [known, ...warnings, unknown].join('; ');
    return { type, status: 'Unknown', reason: reasons.lookFailed, message };
  }
  return { type, status: 'True', reason: reasons.imagesVerified, message: [known, ...warnings].join('; ') };
}

function progressing({ hold, standing }: StatusPicture, tally: Tally, waits: string | undefined): ConditionState {
  const type = 'Progressing';
  if (hold !== undefined) return { type, status: 'False', ...hold };
  if (waits !== undefined) {
    const isStopped = standing?.stopped !== undefined;
    const reason = isStopped ? reasons.stopped : reasons.progressing;
    return { type, status: isStopped ? 'False' : 'True', reason, message: waits };
  }
  const [moving] = tally.progressing;
  if (moving !== undefined) {
    const message = `${tally.progressing.length} clusters are on their way: ${examples(tally.progressing)}`;
    return { type, status: 'True', reason: reasons.progressing, message };
  }
  const [waiting] = tally.waiting;
  if (waiting !== undefined) {
    const message = `${tally.waiting.length} clusters wait: ${examples(tally.waiting)}`;
    return { type, status: 'True', reason: waiting.reason, message };
  }
  if (tally.failed.length > 0) {
    const message = `nothing is under way, and ${tally.failed.length} clusters failed: ${examples(tally.failed)}`;
    return { type, status: 'False', reason: reasons.clustersFailed, message };
  }
  return { type, status: 'False', reason: reasons.complete, message: 'nothing is under way' };
}

/** Something is wrong that does not go away by itself, or that somebody should look at. */
function degraded({ problems }: StatusPicture, tally: Tally): ConditionState {
  const type = 'Degraded';
  const [own] = problems;
  if (own !== undefined) {
    return { type, status: 'True', reason: own.reason, message: problems.map(({ message }) => message).join('; ') };
  }
  // Also of clusters that are selected no more: a work there that cannot be deleted keeps the module loaded.
  const others = [...tally.waiting, ...tally.progressing, ...tally.unselected];
  const broken = [...tally.failed, ...others.filter(isBroken)];
  const [first] = broken;
  if (first === undefined) return { type, status: 'False', reason: reasons.healthy, message: 'no problem is known' };
  const message = `${broken.length} clusters have problems: ${examples(broken)}`;
  return { type, status: 'True', reason: first.reason, message };
}

/** Reasons of clusters that wait or move, and yet are a problem and not a matter of time. */
const brokenReasons: ReadonlySet<string> = new Set([
  reasons.foreignWork,
  reasons.lookFailed,
  reasons.workFailed,
  reasons.revisionLost,
  reasons.mappingError,
  reasons.applyFailed,
  reasons.failing,
  reasons.reportInvalid,
]);

function isBroken({ reason, notices, plans }: ClusterRecord): boolean {
  // Whatever a build or a signature failed of is for somebody to look at.
  if (plans.some(({ state }) => state === 'Failed')) return true;
  return brokenReasons.has(reason) || notices.some((notice) => brokenReasons.has(notice.reason));
}

/** Whether the hub knows every kernel of every selected cluster, as far as it can tell. */
function inventoryComplete(tally: Tally): ConditionState {
  const type = 'InventoryComplete';
  const unsure = tally.noticed.flatMap(({ cluster, notices }) => {
    const problem = notices.find(({ reason }) => inventoryReasons.has(reason));
    return problem === undefined ? [] : [{ cluster, ...problem }];
  });
  const [first] = unsure;
  if (first === undefined) {
    return {
      type,
      status: 'True',
      reason: reasons.complete,
      message: 'the kernels of all selected clusters are known',
    };
  }
  const message = `${unsure.length} clusters: ${examples(unsure)}`;
  return { type, status: 'False', reason: first.reason, message };
}

const inventoryReasons: ReadonlySet<string> = new Set([
  reasons.noKernelClaim,
  reasons.noKernels,
  reasons.claimIncomplete,
  reasons.kernelsIgnored,
  reasons.kernelsDeferred,
  reasons.lookFailed,
]);
