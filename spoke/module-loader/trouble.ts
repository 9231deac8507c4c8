import { shortened } from '../../shared/core/conditions.ts';
import type { ContainerStatus, Node, Pod } from '../../shared/kube/object.ts';
import { sandboxBoot } from '../boots.ts';
import { bootIdOf } from '../nodes.ts';
import { containerStatus, containers, isPodReady, toolsStatus } from '../pods.ts';
import { lastEnd, lastResult, parseResult } from './script-result.ts';

/** Why a pod does not do its work. `patient`: kubelet may get over it by itself, so it counts only after a while. */
export interface Trouble {
  reason: string;
  message: string;
  patient: boolean;
}

/** Waiting reasons of kubelet that only a change from outside ends; all other ones are steps on the way. */
const waitingTroubles = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'ImageInspectError',
  'SignatureValidationFailed',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

/**
 * Kubelet says `ErrImagePull` when a pull fails and `ImagePullBackOff` until the next one, with the error behind these words.
 * We say the same for both: what is wrong has not changed, and each change of a status is a write on the way to the hub.
 */
const backOffPrefix = /^Back-off pulling image "[^"]*": ErrImagePull: /;

const messageCharsMax = 512;

/** What is wrong with a loader pod on its node; what the node's reboot ended is about to be started again. */
export function troubleOn(node: Node, pod: Pod): Trouble | undefined {
  const boot = sandboxBoot(pod);
  return boot !== undefined && boot !== bootIdOf(node) ? undefined : troubleOf(pod);
}

/**
 * What is wrong with a loader pod, in the order in which it would have to be put right; `undefined` while it is Ready
 * or on its way. `OtherKernel` is no trouble: after a reboot kubelet starts the old kernel's pod before labels change.
 */
export function troubleOf(pod: Pod): Trouble | undefined {
  if (isPodReady(pod)) return undefined;
  if (pod.status?.phase === 'Failed' && !hasEnded(pod)) {
    return trouble(pod.status.reason || 'PodRejected', pod.status.message ?? '', true);
  }
  return containerTrouble(toolsStatus(pod)) ?? loaderTrouble(pod);
}

function loaderTrouble(pod: Pod): Trouble | undefined {
  const status = containerStatus(pod, containers.loader);
  const end = lastEnd(status);
  const result = lastResult(status);
  if (result?.reason === 'OtherKernel') return undefined;
  if (status?.state?.waiting === undefined || !waitingTroubles.has(status.state.waiting.reason ?? '')) {
    if (end === undefined || end.exitCode === 0 || isOfEarlierSandbox(pod, end.finishedAt)) return undefined;
    if (result === undefined) return containerTrouble(status);
    const held = result.holders.length > 0 ? `used by ${result.holders.join(', ')}: ` : '';
    return trouble(result.reason || 'ModprobeFailed', `${held}${result.message}`, false);
  }
  return containerTrouble(status);
}

/** Troubles that any container may have: it cannot be made, or it ended with an error and left no result. */
export function containerTrouble(status: ContainerStatus | undefined): Trouble | undefined {
  const waiting = status?.state?.waiting;
  if (waiting !== undefined && waitingTroubles.has(waiting.reason ?? '')) {
    const { reason = '', message = '' } = waiting;
    return trouble(reason === 'ErrImagePull' ? 'ImagePullBackOff' : reason, message.replace(backOffPrefix, ''), true);
  }
  const end = lastEnd(status);
  if (end === undefined || end.exitCode === 0) return undefined;
  const result = parseResult(end.message);
  const message = result?.message ?? end.message ?? '';
  return trouble(result?.reason || end.reason || 'Error', message || `exit code ${end.exitCode}`, false);
}

/** A container that ended before its sandbox was made ended with the node's reboot: that is no failure to load. */
function isOfEarlierSandbox(pod: Pod, finishedAt: string | undefined): boolean {
  const tools = toolsStatus(pod)?.state;
  const begun = tools?.terminated?.startedAt ?? tools?.running?.startedAt;
  return begun !== undefined && finishedAt !== undefined && Date.parse(finishedAt) < Date.parse(begun);
}

function hasEnded(pod: Pod): boolean {
  return lastEnd(containerStatus(pod, containers.loader)) !== undefined;
}

function trouble(reason: string, message: string, patient: boolean): Trouble {
  return { reason, message: shortened(message.trim(), messageCharsMax), patient };
}
