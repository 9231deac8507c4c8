import { annotations, finalizers, labels } from '../../shared/kube/names.ts';
import type { DaemonSet, Pod } from '../../shared/kube/object.ts';
import { bootKey, loadedBoots } from '../boots.ts';
import { bootIdOf } from '../nodes.ts';
import { isTerminating, purposeOf } from '../pods.ts';
import { isOurDaemonSet, loaderDaemonSet, loaderName } from './daemon-set.ts';
import { answerFor, isEmptied, leftBehind } from './outcome.ts';
import { isMarked, isReleased, type Replacement, replacement } from './replacement.ts';
import type { ModulePicture, Survey, Target } from './survey.ts';
import { unansweredNodes } from './unanswered.ts';
import { unloadPod } from './unload-pod.ts';

/** Everything that should be, and what has to be done to pods to get there; `apply` carries it out in this order. */
export interface Plan {
  /** Whether the Module must carry our finalizer. */
  finalizer: boolean;
  /** Loader DaemonSets that should be, complete. */
  daemonSets: readonly DaemonSet[];
  /** Loader pods to be marked as leaving, and marks to be taken back. */
  mark: readonly Pod[];
  unmark: readonly Pod[];
  /** Loader pods to be deleted, with the reason for the log. */
  remove: readonly { pod: Pod; reason: 'Outdated' | 'FailingAndChanged' | 'Orphaned' }[];
  /** Ended loader pods that have left nothing behind, or whose node is wanted again: their finalizer goes. */
  release: readonly Pod[];
  /** One-shot unload pods that should be, and those that should not. */
  unload: readonly Pod[];
  dismiss: readonly Pod[];
  /** DaemonSets to be deleted: no node needs them, and nobody depends on their pods any more. */
  discard: readonly DaemonSet[];
  replacement: Replacement;
}

/** An unload pod that cannot run on its node is made again no sooner; one that runs is repeated by kubelet (10 s to 5 min). */
const unloadAgainMs = 30_000;

export function decide(picture: ModulePicture, seen: Survey): Plan {
  const daemonSets = wantedDaemonSets(picture, seen);
  const surplus = surplusDaemonSets(picture, seen, daemonSets);
  const { mark, discard } = farewell(seen, surplus);
  const next = replacement(picture, seen);
  const failing = failingAndChanged(seen, daemonSets);
  const { release, unload, answers } = ends(picture, seen);
  const needed = new Set(unload.map((pod) => pod.metadata.name));
  return {
    finalizer: needsFinalizer(picture, seen),
    daemonSets,
    mark: [...next.mark, ...mark],
    unmark: next.unmark,
    remove: [
      ...failing.map((pod) => ({ pod, reason: 'FailingAndChanged' as const })),
      ...orphans(picture, seen).map((pod) => ({ pod, reason: 'Orphaned' as const })),
      ...next.remove.filter((pod) => !failing.includes(pod)).map((pod) => ({ pod, reason: 'Outdated' as const })),
    ],
    release,
    unload,
    dismiss: picture.pods.filter(
      (pod) =>
        purposeOf(pod) === 'unload' &&
        !isTerminating(pod) &&
        !answers.has(pod) &&
        (!needed.has(pod.metadata.name) || isSpent(pod, picture.nowMs)),
    ),
    discard,
    replacement: next,
  };
}

function wantedDaemonSets({ module, settings }: ModulePicture, seen: Survey): DaemonSet[] {
  if (module === undefined || seen.deleting || seen.refusal !== undefined) return [];
  const result: DaemonSet[] = [];
  for (const mapping of seen.kernels.values()) {
    if (mapping.kind !== 'match') continue;
    result.push(loaderDaemonSet({ module, mapping: mapping.mapping, settings, pin: mapping.pin }));
  }
  return result;
}

/** Our loader DaemonSets that are not wanted. One whose mapping cannot be resolved now, or whose image is not there, stays as it is: nothing is unloaded for a slip. */
function surplusDaemonSets(
  { module, daemonSets }: ModulePicture,
  seen: Survey,
  wanted: readonly DaemonSet[],
): DaemonSet[] {
  const keep = new Set(wanted.map(({ metadata }) => metadata.name));
  if (module !== undefined && !seen.deleting) {
    for (const [kernel, mapping] of seen.kernels) {
      if (mapping.kind === 'error' || mapping.kind === 'waiting') keep.add(loaderName(module.metadata, kernel));
    }
  }
  return daemonSets.filter(
    (daemonSet) =>
      purposeOf(daemonSet) === 'load' &&
      isOurDaemonSet(daemonSet, module) &&
      !isTerminating(daemonSet) &&
      !keep.has(daemonSet.metadata.name),
  );
}

/** Labels off, plugins gone, then the DaemonSet: a node that cannot tell is not waited for (its kubelet ends both when it is back). */
function farewell(seen: Survey, surplus: readonly DaemonSet[]) {
  const mark: Pod[] = [];
  const discard: DaemonSet[] = [];
  for (const daemonSet of surplus) {
    const kernel = daemonSet.metadata.labels?.[labels.kernelVersion];
    const served = seen.targets.filter(({ live }) => live?.metadata.labels?.[labels.kernelVersion] === kernel);
    const waiting = (seen.deleting ? seen.targets : served).filter((target) => target.reachable && !isReleased(target));
    if (waiting.length === 0) discard.push(daemonSet);
    // The labels of a Module that is being deleted fall by themselves.
    else if (!seen.deleting)
      mark.push(...served.flatMap(({ live }) => (live !== undefined && !isMarked(live) ? [live] : [])));
  }
  return { mark, discard };
}

/** CrashLoopBackOff and ImagePullBackOff reach five minutes: what was changed to mend it is tried at once (contract 9). */
function failingAndChanged(seen: Survey, daemonSets: readonly DaemonSet[]): Pod[] {
  const byKernel = new Map(daemonSets.map((each) => [each.metadata.labels?.[labels.kernelVersion], each]));
  return seen.targets.flatMap(({ wanted, live, labelled, trouble }) => {
    if (!wanted || live === undefined || labelled || trouble === undefined) return [];
    const daemonSet = byKernel.get(live.metadata.labels?.[labels.kernelVersion]);
    if (daemonSet === undefined || templateHashOf(live) === templateHashOf(daemonSet.spec.template)) return [];
    return [live];
  });
}

/** Loader pods without a controller that are not wanted: nobody else would end them. */
function orphans({ pods }: ModulePicture, seen: Survey): Pod[] {
  return pods.filter((pod) => {
    if (purposeOf(pod) !== 'load' || isTerminating(pod)) return false;
    if (pod.metadata.ownerReferences?.some(({ controller }) => controller === true)) return false;
    return !seen.byNode.get(pod.spec.nodeName ?? '')?.wanted;
  });
}

function templateHashOf(object: { metadata?: { annotations?: Record<string, string> } }): string | undefined {
  return object.metadata?.annotations?.[annotations.templateHash];
}

/** What becomes of loader pods that are being deleted (contract 9, Outcome), and which unload pods are still to be read for them. */
function ends(picture: ModulePicture, seen: Survey): { release: Pod[]; unload: Pod[]; answers: Set<Pod> } {
  const release: Pod[] = [];
  const answers = new Set<Pod>();
  const unload = new Map<string, Pod>();
  for (const pod of picture.pods) {
    if (purposeOf(pod) !== 'load' || !isTerminating(pod)) continue;
    if (!pod.metadata.finalizers?.includes(finalizers.nodeLabeler)) continue;
    const target = seen.byNode.get(pod.spec.nodeName ?? '');
    const { identity: module, nowMs } = picture;
    const left = leftBehind({ pod, node: target?.node, module, nowMs });
    if (left === 'unsettled') continue;
    const answer = target && answerFor(pod, target.pods);
    if (left === 'nothing' || target === undefined || answer !== undefined) {
      if (target === undefined || !awaitsRecord(picture, target)) release.push(pod);
      else if (answer !== undefined) answers.add(answer);
    } else if (isAwaited(target)) release.push(pod);
    // It is all that remembers: nothing is ended on a node that is only closed to new pods, nor beside a loader that is still there.
    else if (!target.wanted && !target.kept && target.live === undefined)
      addUnload(unload, unloadPod(pod), picture.pods);
  }
  for (const { target, loader } of unansweredNodes(picture, seen)) {
    const answer = answerFor(loader, target.pods);
    if (answer === undefined) addUnload(unload, unloadPod(loader), picture.pods);
    // Until node-labels has seen it, and the record is gone.
    else answers.add(answer);
  }
  return { release, unload: [...unload.values()], answers };
}

/** node-labels has yet to see that nothing is left of what it noted on the node. */
function awaitsRecord({ identity }: ModulePicture, { node, pods }: Target): boolean {
  return loadedBoots(node)[bootKey(identity)]?.boot === bootIdOf(node) && isEmptied(pods, node);
}

/** Another loader pod is or will be there, and answers for what is. Also where a mapping cannot be resolved: its loaders stay as they are. */
function isAwaited({ wanted, open, kept }: Target): boolean {
  return open && (wanted || kept);
}

/** One unload pod a node at a time: another ended pod of the same node has its turn when the present one was answered. */
function addUnload(unload: Map<string, Pod>, wanted: Pod, pods: readonly Pod[]): void {
  const { name } = wanted.metadata;
  const present = pods.find((pod) => purposeOf(pod) === 'unload' && pod.metadata.name === name);
  const isPresents =
    present?.metadata.annotations?.[annotations.unloadsFor] === wanted.metadata.annotations?.[annotations.unloadsFor];
  if (!unload.has(name) || isPresents) unload.set(name, wanted);
}

/** An unload pod that its kubelet gave up, or that ended without a result: made anew, at the pace of `unloadAgainMs`. */
function isSpent(pod: Pod, nowMs: number): boolean {
  const ended = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
  return ended && nowMs - Date.parse(pod.metadata.creationTimestamp ?? '') >= unloadAgainMs;
}

/** Held as long as anything of ours may hold the kernel module on any node. */
function needsFinalizer(picture: ModulePicture, seen: Survey): boolean {
  const { module, daemonSets, pods } = picture;
  if (module === undefined) return false;
  if (!seen.deleting && seen.refusal === undefined && module.spec.moduleLoader !== undefined) return true;
  const loaders = daemonSets.some((each) => purposeOf(each) === 'load' && isOurDaemonSet(each, module));
  if (loaders || pods.some((pod) => purposeOf(pod) === 'load' || purposeOf(pod) === 'unload')) return true;
  return unansweredNodes(picture, seen).length > 0;
}
