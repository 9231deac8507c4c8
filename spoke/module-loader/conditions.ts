import type { NodeCounts, ReportCounts, ReportError } from '@open-cluster-management/api-types';
import type { ConditionState } from '../../shared/core/conditions.ts';
import { purposeOf } from '../pods.ts';
import { unloadErrors } from './errors.ts';
import { imageAwaited, imageFailed, imagesReady } from './images.ts';
import { reasons } from './reasons.ts';
import type { StatusInput } from './status.ts';
import { type Target, unmappedKernels } from './survey.ts';

type Verdict = { reason: string; message: string } | null;

interface Judged extends StatusInput {
  errors: readonly ReportError[];
  nodes: ReportCounts;
  devicePlugin: NodeCounts | undefined;
}

/** `Ready`: every reachable node has what the spec says. `KernelsMapped`: no selected node is left out for its kernel. `ImagesReady`: of images that can be made here, each is verified. */
export function conditionsOf(judged: Judged): ConditionState[] {
  const observedGeneration = judged.picture.module?.metadata.generation ?? 0;
  const found = inTheWay.map((check) => check(judged)).find((verdict) => verdict !== null);
  const ready = found ?? inPlace(judged);
  const conditions: ConditionState[] = [
    { type: 'Ready', status: found ? 'False' : 'True', ...ready, observedGeneration },
  ];
  if (judged.picture.module?.spec.moduleLoader !== undefined) {
    conditions.push({ type: 'KernelsMapped', ...mapped(judged), observedGeneration });
  }
  const images = imagesReady(judged.seen);
  if (images !== undefined) conditions.push({ type: 'ImagesReady', ...images, observedGeneration });
  return conditions;
}

/** What keeps a Module from being Ready, in the order in which it would have to be put right. */
const inTheWay: readonly ((judged: Judged) => Verdict)[] = [
  unloading,
  ({ seen }) => seen.refusal ?? null,
  notWritten,
  ({ seen }) => imageFailed(seen),
  loadFailed,
  stillHeld,
  ({ seen }) => imageAwaited(seen),
  leaving,
  replacing,
  loading,
  pluginNotReady,
];

function unloading({ seen, picture, plan, failures }: Judged): Verdict {
  if (!seen.deleting) return null;
  const held = unloadErrors(picture, seen).map(({ node, reason, message }) => `${node}: ${reason}: ${message}`);
  const holding = seen.targets.filter((target) => holds(target, picture));
  const silent = holding.filter(({ reachable }) => !reachable);
  const refused = failures.map(({ message }) => message);
  const parts = [...refused, ...held, holding.length === 0 ? 'nothing is left' : `unloading from ${namesOf(holding)}`];
  if (silent.length > 0) parts.push(`not Ready: ${namesOf(silent)}`);
  if (plan.unload.length > 0) parts.push(`${plan.unload.length} unloaded by a pod of their own`);
  return { reason: reasons.unloading, message: parts.join('; ') };
}

/** Pods of ours are there that may have it loaded, or that take it out. */
function holds({ name }: Target, { pods }: Judged['picture']): boolean {
  return pods.some((pod) => pod.spec.nodeName === name && (purposeOf(pod) === 'load' || purposeOf(pod) === 'unload'));
}

function notWritten({ failures }: Judged): Verdict {
  const [first] = failures;
  return first === undefined ? null : { reason: first.reason, message: first.message };
}

function loadFailed({ nodes: [desired, , failed], errors }: Judged): Verdict {
  if (failed === 0) return null;
  const { node, reason, message } = errors[0] ?? { node: '', reason: '', message: '' };
  const stopped = `${failed} of ${desired} nodes failed; ${node}: ${reason}: ${message}`;
  return { reason: reasons.loadFailed, message: stopped };
}

function stillHeld({ picture, seen }: Judged): Verdict {
  const [first, ...others] = unloadErrors(picture, seen);
  if (first === undefined) return null;
  const more = others.length === 0 ? '' : `, and ${others.length} other nodes`;
  return { reason: reasons.unloadFailed, message: `${first.node}: ${first.reason}: ${first.message}${more}` };
}

/** Nodes that are on their way out of the Module's care. One that is not Ready may take for ever, and says nothing. */
function leaving({ picture, seen }: Judged): Verdict {
  const nodes = seen.targets.filter(
    (target) => !target.wanted && !target.kept && target.reachable && holds(target, picture),
  );
  if (nodes.length === 0) return null;
  return { reason: reasons.unloading, message: `unloading from ${namesOf(nodes)}` };
}

function replacing({ plan }: Judged): Verdict {
  const { outdated, inProgress } = plan.replacement;
  if (outdated.length === 0) return null;
  const names = namesOf(inProgress);
  const waits = names === '' ? '' : `; the next one waits for ${names}`;
  return { reason: reasons.replacing, message: `${outdated.length} nodes still run what an earlier spec said${waits}` };
}

function loading({ nodes: [desired, loaded, failed, unreachable], seen }: Judged): Verdict {
  if (loaded + failed + unreachable === desired) return null;
  const pending = seen.targets.filter((target) => target.desired && target.state === 'pending');
  return { reason: reasons.loading, message: `${loaded} of ${desired} nodes loaded; waiting for ${namesOf(pending)}` };
}

function pluginNotReady({ devicePlugin, picture, nodes: [, , , unreachable] }: Judged): Verdict {
  if (devicePlugin === undefined) return null;
  const { availableNumber = 0, desiredNumber = 0 } = devicePlugin;
  const expected = desiredNumber - (picture.module?.spec.moduleLoader ? unreachable : 0);
  if (availableNumber >= expected) return null;
  return {
    reason: reasons.pluginNotReady,
    message: `the device plugin is Ready on ${availableNumber} of ${expected} nodes`,
  };
}

function inPlace({ nodes: [desired, loaded, , unreachable], devicePlugin }: Judged) {
  const silent = unreachable === 0 ? '' : `; ${unreachable} are not Ready, and nothing is known of them`;
  if (desired > 0) return { reason: reasons.loaded, message: `${loaded} of ${desired} nodes loaded${silent}` };
  if (devicePlugin?.desiredNumber) {
    return {
      reason: reasons.pluginReady,
      message: `the device plugin is Ready on ${devicePlugin.availableNumber} nodes`,
    };
  }
  return {
    reason: reasons.nothingToDo,
    message: 'no node of this cluster is selected and has a kernel with a mapping',
  };
}

function mapped({ seen }: Judged): Pick<ConditionState, 'status' | 'reason' | 'message'> {
  const kernels = unmappedKernels(seen);
  if (kernels.length === 0) return { status: 'True', reason: reasons.allMapped, message: '' };
  const message = `no mapping matches ${kernels.join(', ')}: nodes of these kernels are left alone`;
  return { status: 'False', reason: reasons.unmapped, message };
}

const namesMax = 5;

function namesOf(targets: readonly Target[]): string {
  const names = targets.slice(0, namesMax).map(({ name, trouble }) => (trouble ? `${name} (${trouble.reason})` : name));
  const more = targets.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
