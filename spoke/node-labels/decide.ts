import { isKernelVersion, normalised } from '../../shared/kernel/version.ts';
import { annotations, devicePluginReadyLabel, labels, readyLabel } from '../../shared/kube/names.ts';
import type { Node, Pod } from '../../shared/kube/object.ts';
import { bootKey, formatLoadedBoots, type LoadedBoot, loadedBoots, sandboxBoot } from '../boots.ts';
import { isEmptied } from '../module-loader/outcome.ts';
import { bootIdOf, kernelOf, readyOf } from '../nodes.ts';
import { containerStatus, containers, isPodReady, isTerminating, purposeOf } from '../pods.ts';
import { isVersionReady, parseLabel } from './label-keys.ts';

/** One Module as far as a node's labels go. */
export interface ModuleOnNode {
  namespace: string;
  name: string;
  exists: boolean;
  /** Being deleted, or gone. */
  deleting: boolean;
  hasLoader: boolean;
  /** All its pods on this node. */
  pods: readonly Pod[];
  /** Since when node and loader pod have been as Ready or not Ready as they are, by our clock. */
  readinessMs: number;
  /** Since when the same loader container has been seen running under the node's present boot. */
  containerMs: number;
}

export interface NodePicture {
  node: Node;
  modules: readonly ModuleOnNode[];
}

/** What the node should carry of ours; everything else on it is not ours to touch. */
export interface NodeDecision {
  /** A value, or `null` for a label that must go. Only differences. */
  labels: Record<string, string | null>;
  annotations: Record<string, string | null>;
  loaded: readonly LabelChange[];
  unloaded: readonly LabelChange[];
  /** When time alone may change the decision. */
  recheckMs: number | undefined;
}

/** A ready label that comes or goes, and the container for which it stood: each real change is told apart by it. */
export interface LabelChange {
  namespace: string;
  name: string;
  container: string;
}

/** Ready=False alone takes the label off only after this: a restart of kubelet makes every pod flap (contract 9). */
export const flapMs = 30_000;
/** How long a container must be seen running when its pod does not prove under which boot it started (boots.ts). */
export const unprovenMs = 60_000;

/**
 * The labels of one node (contract 9, Labels and order). The ready label is set only for a loader container that started
 * under the node's present boot, and falls at once with anything else but a mere Ready=False.
 */
export function decide({ node, modules }: NodePicture): NodeDecision {
  const wanted = new Map<string, string>();
  const kernel = kernelOf(node);
  if (isKernelVersion(kernel)) wanted.set(labels.kernelVersion, normalised(kernel));
  const boots: Record<string, LoadedBoot> = {};
  const loaded: LabelChange[] = [];
  const rechecks: number[] = [];
  for (const module of modules) {
    const verdict = judge(node, module);
    if (verdict.record !== undefined) boots[bootKey(module)] = verdict.record;
    if (verdict.recheckMs !== undefined) rechecks.push(verdict.recheckMs);
    const ready = readyLabel(module.namespace, module.name);
    if (verdict.ready) wanted.set(ready, '');
    if (verdict.ready && node.metadata.labels?.[ready] === undefined) {
      const { namespace, name } = module;
      loaded.push({ namespace, name, container: verdict.record?.container ?? '' });
    }
    if (pluginReady(node, module, verdict.ready)) wanted.set(devicePluginReadyLabel(module.namespace, module.name), '');
  }
  const changes = labelChanges(node, wanted, modules);
  const known = loadedBoots(node);
  const unloaded = Object.keys(changes).flatMap((key) => {
    const parsed = changes[key] === null ? parseLabel(key) : undefined;
    if (parsed?.kind !== 'ready') return [];
    const { namespace, module: name } = parsed;
    return [{ namespace, name, container: known[bootKey({ namespace, name })]?.container ?? '' }];
  });
  const recheckMs = rechecks.length === 0 ? undefined : Math.min(...rechecks);
  return { labels: changes, annotations: bootChanges(node, boots), loaded, unloaded, recheckMs };
}

interface Verdict {
  ready: boolean;
  record: LoadedBoot | undefined;
  recheckMs?: number;
}

function judge(node: Node, module: ModuleOnNode): Verdict {
  const loaders = module.pods.filter((pod) => purposeOf(pod) === 'load');
  const boot = bootIdOf(node);
  const known = loadedBoots(node)[bootKey(module)];
  const record = recordOf(node, module, loaders);
  const pod = loaders.find((each) => serves(each, node));
  if (module.deleting || pod === undefined) return { ready: false, record };
  const labelled = node.metadata.labels?.[readyLabel(module.namespace, module.name)] !== undefined;
  const held = labelled && known?.boot === boot && (sandboxBoot(pod) ?? boot) === boot;
  if (!isPodReady(pod)) {
    // The label stands for the pod that is going: what comes after it has it to earn.
    if (!held || loaders.some(isTerminating)) return { ready: false, record };
    if (!readyOf(node)) return { ready: true, record };
    const leftMs = flapMs - module.readinessMs;
    return leftMs > 0 ? { ready: true, record, recheckMs: leftMs } : { ready: false, record };
  }
  const proof = provenBoot(pod, node, known, module.containerMs);
  if (proof.boot !== undefined && proof.boot === boot) return { ready: true, record: entry(pod, boot) };
  const ready = held && proof.boot === undefined;
  return { ready, record, ...(proof.leftMs !== undefined && { recheckMs: proof.leftMs }) };
}

/**
 * What is known of the Module's containers on this node. It outlives the pods of its boot while the Module is there, until
 * an unload is proven: what an ended pod may have left in the kernel is judged by it (outcome.ts).
 */
function recordOf(node: Node, module: ModuleOnNode, loaders: readonly Pod[]): LoadedBoot | undefined {
  const boot = bootIdOf(node);
  const known = loadedBoots(node)[bootKey(module)];
  if (isEmptied(module.pods, node, known)) return undefined;
  if (known?.boot === boot) return loaders.length > 0 || module.exists ? known : undefined;
  const started = loaders.find(
    (pod) => boot !== '' && sandboxBoot(pod) === boot && runningContainer(pod) !== undefined,
  );
  return started === undefined ? (loaders.length > 0 ? known : undefined) : entry(started, boot);
}

/** The pod is to stay, and is that of the kernel which runs. */
function serves(pod: Pod, node: Node): boolean {
  if (isTerminating(pod) || pod.metadata.annotations?.[annotations.replace] !== undefined) return false;
  return pod.metadata.labels?.[labels.kernelVersion] === normalised(kernelOf(node));
}

/** Under which boot the running container of a Ready pod started, as far as that is certain; else how long to wait. */
function provenBoot(
  pod: Pod,
  node: Node,
  known: LoadedBoot | undefined,
  containerMs: number,
): { boot?: string; leftMs?: number } {
  const container = runningContainer(pod);
  if (container === undefined || bootIdOf(node) === '') return {};
  const proven = sandboxBoot(pod);
  if (proven !== undefined) return { boot: proven };
  if (known?.container === container && known.boot === bootIdOf(node)) return { boot: known.boot };
  if (!readyOf(node)) return {};
  return containerMs >= unprovenMs ? { boot: bootIdOf(node) } : { leftMs: unprovenMs - containerMs };
}

/** Identifier of the pod's running main container. */
export function runningContainer(pod: Pod): string | undefined {
  const status = containerStatus(pod, containers.loader);
  return status?.state?.running === undefined ? undefined : status.containerID || `${pod.metadata.uid}/running`;
}

function entry(pod: Pod, boot: string): LoadedBoot {
  return { container: runningContainer(pod) ?? '', boot };
}

/** Follows the plugin's readiness (checklist 99); a node that is not Ready makes all pods look so, and changes nothing. */
function pluginReady(node: Node, module: ModuleOnNode, ready: boolean): boolean {
  if (module.deleting || (module.hasLoader && !ready)) return false;
  const pod = module.pods.find((each) => purposeOf(each) === 'device-plugin' && !isTerminating(each));
  if (pod === undefined) return false;
  const key = devicePluginReadyLabel(module.namespace, module.name);
  return isPodReady(pod) || (!readyOf(node) && node.metadata.labels?.[key] !== undefined);
}

function labelChanges(node: Node, wanted: ReadonlyMap<string, string>, modules: readonly ModuleOnNode[]) {
  const present = node.metadata.labels ?? {};
  const changes: Record<string, string | null> = {};
  for (const [key, value] of wanted) if (present[key] !== value) changes[key] = value;
  for (const key of Object.keys(present)) {
    if (!wanted.has(key) && isOurs(key, modules)) changes[key] = null;
  }
  return changes;
}

function isOurs(key: string, modules: readonly ModuleOnNode[]): boolean {
  if (key === labels.kernelVersion) return true;
  const parsed = parseLabel(key);
  if (parsed === undefined || parsed.kind === 'deprecated' || !isVersionReady(key)) return parsed !== undefined;
  return modules.some(({ namespace, name }) => namespace === parsed.namespace && name === parsed.module);
}

function bootChanges(node: Node, boots: Readonly<Record<string, LoadedBoot>>): Record<string, string | null> {
  const text = formatLoadedBoots(boots);
  if (node.metadata.annotations?.[annotations.loadedBoots] === text) return {};
  return { [annotations.loadedBoots]: text ?? null };
}
