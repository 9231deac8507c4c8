import { annotations } from '../../shared/kube/names.ts';
import type { Node, Pod } from '../../shared/kube/object.ts';
import { bootKey, type LoadedBoot, loadedBoots, sandboxBoot } from '../boots.ts';
import { bootIdOf, readyOf } from '../nodes.ts';
import { containerStatus, containers, purposeOf, toolsStatus } from '../pods.ts';
import { lastEnd, lastResult, type ScriptResult } from './script-result.ts';

/** What an ended loader pod leaves in its node's kernel. `unsettled`: it has not ended for good yet. */
export type LeftBehind = 'nothing' | 'maybe' | 'unsettled';

export interface EndedPod {
  /** A loader pod that is being deleted. */
  pod: Pod;
  /** `undefined`: there is no such node any more. */
  node: Node | undefined;
  module: { namespace: string; name: string };
  nowMs: number;
}

/** How long after the end of its grace period a pod without a final word from its kubelet is taken as it stands. */
export const finalWordMsMax = 60_000;

/**
 * *Nothing* is said only with proof (contract 9, Outcome): the unload succeeded under the node's present boot, the pod
 * ran under another boot, the node is gone, or no container of the pod ever started. `OtherKernel` under the present
 * boot is a proof too: the kernel does not change within a boot, so no container of that pod got past its first check.
 */
export function leftBehind(ended: EndedPod): LeftBehind {
  const { pod, node, module } = ended;
  if (node === undefined) return 'nothing';
  const status = containerStatus(pod, containers.loader);
  const result = lastResult(status);
  if (!isFinal(ended, result)) return 'unsettled';
  const present = bootIdOf(node);
  const record = loadedBoots(node)[bootKey(module)];
  // Our own record knows more: a kubelet that restarts and rejects a pod wipes its container statuses, and an earlier
  // pod of this boot, released because its node was wanted, may have left what this one never got to replace.
  if (!everStarted(pod)) return record !== undefined && record.boot === present ? 'maybe' : 'nothing';
  const containerId = lastEnd(status)?.containerID ?? status?.containerID;
  const recorded = record?.container === containerId ? record?.boot : undefined;
  const boot = result?.boot || sandboxBoot(pod) || recorded;
  if (boot !== undefined && present !== '' && boot !== present) return 'nothing';
  return result !== undefined && result.boot === present && provesNothingLoaded(result) ? 'nothing' : 'maybe';
}

/**
 * The result of an unload verb that says that nothing of the Module is in the kernel now. preStop's `unload` finds nothing
 * to do also when the marker has another load hash (what an earlier pod could not unload), so only `unload-any` and
 * `look`, which take any hash, prove by that word.
 */
export function isUnloaded(result: ScriptResult | undefined): boolean {
  if (result?.result === 'NothingToDo') return result.verb === 'unload-any' || result.verb === 'look';
  return result?.result === 'Unloaded' && (result.verb === 'unload' || result.verb === 'unload-any');
}

/** The unload pod that did its work. Whether the node was rebooted since or not, its word holds for the pod that it was made for. */
export function answerFor({ metadata: { uid } }: Pick<Pod, 'metadata'>, pods: readonly Pod[]): Pod | undefined {
  return answerTo(uid, pods);
}

/** `asked`: UID of a loader pod, or, where none is left, the container that the node's record names. */
function answerTo(asked: string | undefined, pods: readonly Pod[]): Pod | undefined {
  return pods.find(
    (pod) =>
      purposeOf(pod) === 'unload' &&
      pod.metadata.annotations?.[annotations.unloadsFor] === asked &&
      [containerStatus(pod, containers.loader), toolsStatus(pod)].some(
        (status) => status?.state?.terminated?.exitCode === 0 && isUnloaded(lastResult(status)),
      ),
  );
}

/**
 * Whether the node's record of a Module (boots.ts) is history: one of its pods there has unloaded under the present boot,
 * and no other one began anything that was not unloaded too. node-labels then drops the record, and the pod that proves it
 * stays until that is done: or a later pod whose image cannot be pulled would have to unload what is long gone.
 */
export function isEmptied(pods: readonly Pod[], node: Node, record?: LoadedBoot): boolean {
  const started = pods.filter((pod) => purposeOf(pod) === 'load' && everStarted(pod));
  const hasUnloaded = (pod: Pod) => isUnloadedUnder(pod, bootIdOf(node)) || answerFor(pod, pods) !== undefined;
  if (started.length === 0) return record !== undefined && answerTo(record.container, pods) !== undefined;
  return started.every(hasUnloaded);
}

function isUnloadedUnder(pod: Pod, boot: string): boolean {
  const status = containerStatus(pod, containers.loader);
  const result = lastResult(status);
  return status?.state?.terminated !== undefined && isUnloaded(result) && result?.boot === boot;
}

/** Whether the pod's main container was ever started, as far as its status tells. */
export function everStarted(pod: Pod): boolean {
  const status = containerStatus(pod, containers.loader);
  if (status === undefined) return false;
  const { state, lastState, restartCount, containerID } = status;
  const ended = state?.terminated !== undefined && !isMadeUp(state.terminated);
  return Boolean(state?.running || ended || lastState?.terminated || restartCount > 0 || containerID);
}

/** Of a pod that got past its init containers kubelet reports a container that it cannot find as ended, though it never ran. */
function isMadeUp({ reason, containerID }: { reason?: string; containerID?: string }): boolean {
  return reason === 'ContainerStatusUnknown' && !containerID;
}

function provesNothingLoaded(result: ScriptResult): boolean {
  return isUnloaded(result) || (result.result === 'Failed' && result.reason === 'OtherKernel');
}

/**
 * No container of the pod runs, and none will be started. Its kubelet says so by a terminal phase (since 1.26) or by its
 * own delete with a grace period of 0; a preStop result says the same. Without that word (a waiting container may still
 * be started by a kubelet that has not seen the deletion) the pod is believed some time after its grace period. A kubelet
 * that is cut off may have started what its pod's status does not show: then neither time nor a deletion by force tells.
 */
function isFinal({ pod, node, nowMs }: EndedPod, result: ScriptResult | undefined): boolean {
  const status = containerStatus(pod, containers.loader);
  if (pod.spec.nodeName === undefined) return true;
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  if (status?.state?.running !== undefined) return false;
  if (status?.state?.terminated !== undefined && isUnloaded(result)) return true;
  if (node !== undefined && !readyOf(node)) return false;
  if (pod.metadata.deletionGracePeriodSeconds === 0) return true;
  return nowMs > Date.parse(pod.metadata.deletionTimestamp ?? '') + finalWordMsMax;
}
