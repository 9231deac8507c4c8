import type { Module } from '@open-cluster-management/api-types';
import { normalised } from '../../shared/kernel/version.ts';
import { annotations, labels, readyLabel } from '../../shared/kube/names.ts';
import type { DaemonSet, Node, Pod } from '../../shared/kube/object.ts';
import { bootKey } from '../boots.ts';
import type { KnownImage } from '../images/wanted.ts';
import { kernelOf, readyOf } from '../nodes.ts';
import { isPodReady, isTerminating, purposeOf } from '../pods.ts';
import type { SpokeSettings } from '../settings.ts';
import { closedBy } from '../taints.ts';
import { identityCharsMax } from './daemon-set.ts';
import { loadHashOf } from './loader-pod.ts';
import { type KernelMapping, type MadeImage, type Resolved, resolver } from './resolve.ts';
import { type Trouble, troubleOn } from './trouble.ts';

/** All that is known of one Module at one moment: what `gather` reads and everything else here is computed from. */
export interface ModulePicture {
  identity: { namespace: string; name: string };
  /** `undefined`: gone. Its pods may still be there, when someone took its finalizer away. */
  module: Module | undefined;
  nodes: readonly Node[];
  /** Those with the Module's name label in its namespace, whoever made them. */
  daemonSets: readonly DaemonSet[];
  pods: readonly Pod[];
  /** By kernel: what is known of the images that were wanted to be made here. */
  images: ReadonlyMap<string, KnownImage>;
  settings: SpokeSettings;
  nowMs: number;
  /** By node: since how many milliseconds its loader pod has been in trouble without ever being loaded since. */
  troubleMs: ReadonlyMap<string, number>;
  /** By DaemonSet: since how many milliseconds Kubernetes has made fewer pods than it should. */
  podlessMs: ReadonlyMap<string, number>;
  /** UID of the loader pod that was marked for replacement last: the cache may not show the mark yet. */
  marked: string | undefined;
}

export type NodeState = 'loaded' | 'failed' | 'unreachable' | 'pending';

/** One node as this Module sees it. */
export interface Target {
  node: Node;
  name: string;
  kernel: string;
  mapping: KernelMapping;
  selected: boolean;
  /** The kernel module should be there: the selector matches, a mapping resolves, nothing drives it away. */
  wanted: boolean;
  /** It counts as desired (wanted, and new loads may come; or loaded already, which a NoSchedule taint does not end). */
  desired: boolean;
  /** New pods may come: no untolerated taint. */
  open: boolean;
  reachable: boolean;
  /** Load hash of the present spec for this node's kernel. */
  hash: string | undefined;
  /** The loader pod that is to stay, and those on their way out. */
  live: Pod | undefined;
  leaving: readonly Pod[];
  plugins: readonly Pod[];
  /** All of the Module's pods there. */
  pods: readonly Pod[];
  /** What is loaded stays although no mapping says so: the one that should cannot be resolved, or its image is not there yet. */
  kept: boolean;
  /** The node has the ready label. */
  labelled: boolean;
  /** Loaded as the present spec says, by the ready label, which is not set on less. */
  loaded: boolean;
  trouble: Trouble | undefined;
  state: NodeState;
}

export interface Survey {
  targets: readonly Target[];
  byNode: ReadonlyMap<string, Target>;
  /** Kernels of nodes that the selector matches, whatever their taints, and what the mappings say. */
  kernels: ReadonlyMap<string, KernelMapping>;
  /** Of these, the images that can be made here. */
  made: ReadonlyMap<string, MadeImage>;
  /** Why this Module can have no loaders at all. */
  refusal: { reason: string; message: string } | undefined;
  deleting: boolean;
}

/** How long kubelet's own retries are watched before a pull error or a rejected pod counts as failed (contract 9). */
export const patienceMs = 60_000;

/** Computes what all else is decided from; pure. Cost: nodes + pods, and one resolution a kernel. */
export function survey(picture: ModulePicture): Survey {
  const { module, identity } = picture;
  const deleting = module === undefined || isTerminating(module);
  const refusal = refusalOf(identity);
  const resolve = resolver(picture);
  const pods = podsByNode(picture.pods);
  // No JSON is read of nodes that have nothing to do with it.
  const isNoted = ({ metadata }: Node) => metadata.annotations?.[annotations.loadedBoots]?.includes(bootKey(identity));
  const targets = picture.nodes
    .filter((node) => pods.has(node.metadata.name) || isNoted(node) || (module !== undefined && selects(module, node)))
    .map((node) =>
      target({ picture, node, resolve, serves: !deleting && !refusal }, pods.get(node.metadata.name) ?? []),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const selected = targets.filter(({ node }) => module !== undefined && selects(module, node));
  const kernels = new Map(selected.map(({ kernel, mapping }) => [kernel, mapping]));
  return {
    targets,
    byNode: new Map(targets.map((each) => [each.name, each])),
    kernels,
    made: new Map([...kernels.keys()].flatMap((kernel) => madeOf(kernel, resolve(kernel)))),
    refusal,
    deleting,
  };
}

/** `selector: {}` selects all nodes (checklist 220). */
export function selects(module: Module, node: Node): boolean {
  return Object.entries(module.spec.selector).every(([key, value]) => node.metadata.labels?.[key] === value);
}

function madeOf(kernel: string, { made }: Resolved): [string, MadeImage][] {
  return made === undefined ? [] : [[kernel, made]];
}

/** Kernels that selected nodes run and no mapping matches, sorted. A node that is just joining has told of none yet. */
export function unmappedKernels({ kernels }: Survey): string[] {
  return [...kernels].flatMap(([kernel, { kind }]) => (kind === 'none' && kernel !== '' ? [kernel] : [])).sort();
}

interface Question {
  picture: ModulePicture;
  node: Node;
  resolve: (kernel: string) => Resolved;
  serves: boolean;
}

function target({ picture, node, resolve, serves }: Question, pods: readonly Pod[]): Target {
  const { module, identity } = picture;
  const { name } = node.metadata;
  const kernel = kernelOf(node);
  const { mapping, hash } = resolve(kernel);
  const closed = closedBy(node, module?.spec.tolerations ?? []);
  const selected = module !== undefined && selects(module, node);
  const wanted = serves && selected && mapping.kind === 'match' && closed !== 'NoExecute';
  const loaders = pods.filter((pod) => purposeOf(pod) === 'load');
  const live = liveLoader(loaders, kernel);
  const labelled = node.metadata.labels?.[readyLabel(identity.namespace, identity.name)] !== undefined;
  const reachable = readyOf(node);
  const loaded = wanted && reachable && labelled && live !== undefined && loadHashOf(live) === hash;
  const trouble = live === undefined || loaded ? undefined : troubleOn(node, live);
  const failing = trouble && (!trouble.patient || (picture.troubleMs.get(name) ?? 0) >= patienceMs);
  // What cannot be resolved, or is not there yet, is wanted by its author, and cannot be served now.
  const kept = serves && selected && (mapping.kind === 'error' || mapping.kind === 'waiting');
  const held = kept && closed === undefined;
  const broken = held && (mapping.kind === 'error' || mapping.image.state === 'Failed');
  const state = !reachable ? 'unreachable' : loaded ? 'loaded' : failing || broken ? 'failed' : 'pending';
  return {
    node,
    name,
    kernel,
    mapping,
    selected,
    wanted,
    desired: (wanted && (closed === undefined || loaded)) || held,
    open: closed === undefined,
    reachable,
    hash,
    live,
    leaving: loaders.filter(isTerminating),
    plugins: pods.filter((pod) => purposeOf(pod) === 'device-plugin'),
    pods,
    kept,
    labelled,
    loaded,
    trouble,
    state,
  };
}

/** Of several the one for the node's present kernel, a Ready one first: Kubernetes takes the others away. */
function liveLoader(loaders: readonly Pod[], kernel: string): Pod | undefined {
  const live = loaders.filter((pod) => !isTerminating(pod));
  const fitting = live.filter((pod) => pod.metadata.labels?.[labels.kernelVersion] === normalised(kernel));
  return fitting.find(isPodReady) ?? fitting[0];
}

function refusalOf({ namespace, name }: ModulePicture['identity']): Survey['refusal'] {
  const chars = namespace.length + name.length;
  if (chars <= identityCharsMax) return undefined;
  const message = `expected namespace and name of at most ${identityCharsMax} characters together, because node labels are made of them, got ${chars}: use shorter names`;
  return { reason: 'NameTooLong', message };
}

function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const result = new Map<string, Pod[]>();
  for (const pod of pods) {
    const name = pod.spec.nodeName ?? pendingNode(pod);
    if (name === undefined) continue;
    const others = result.get(name);
    if (others === undefined) result.set(name, [pod]);
    else others.push(pod);
  }
  return result;
}

/** The node that the DaemonSet controller means a pod for that is not scheduled yet. */
function pendingNode(pod: Pod): string | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms?.[0]?.matchFields?.find(({ key }) => key === 'metadata.name')?.values?.[0];
}
