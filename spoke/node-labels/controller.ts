import type { Module } from '@open-cluster-management/api-types';
import { after, done } from '../../shared/core/outcome.ts';
import type { Cache, Change } from '../../shared/kube/cache.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type Controller, watching } from '../../shared/kube/controller.ts';
import { isNotFound } from '../../shared/kube/errors.ts';
import type { EventRecorder } from '../../shared/kube/events.ts';
import { type Node, objectKey, type Pod } from '../../shared/kube/object.ts';
import { nodes } from '../../shared/kube/resources.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import { bootKey, loadedBoots } from '../boots.ts';
import { byModule } from '../indexes.ts';
import { sameNode } from '../nodes.ts';
import { Observations } from '../observations.ts';
import { isTerminating } from '../pods.ts';
import { decide, type LabelChange, type NodeDecision } from './decide.ts';
import { gather } from './gather.ts';

export interface NodeLabelsOptions {
  client: KubeClient;
  runtime: Runtime;
  events: EventRecorder;
  caches: { nodes: Cache<Node>; pods: Cache<Pod>; modules: Cache<Module> };
}

/** Keeps our labels and our annotation on each Node true. Key: the node's name. */
export function nodeLabelsController({ client, runtime, events, caches }: NodeLabelsOptions): Controller {
  const observations = new Observations(runtime.clock);
  return {
    name: 'node-labels',
    sources: [
      watching(caches.nodes, keysForNode),
      watching(caches.pods, keysForPod),
      watching(caches.modules, (change) => keysForModule(change, caches)),
    ],
    async reconcile(name) {
      const picture = gather({ ...caches, observations }, name);
      if (picture === undefined) {
        observations.forgetAll(`${name}/`);
        return done;
      }
      const decision = decide(picture);
      if (await apply(client, picture.node, decision)) tell(events, picture.node, decision);
      const { recheckMs } = decision;
      return recheckMs === undefined ? done : after(recheckMs, 'ReadinessMayLast');
    },
  };
}

/** One merge patch of our keys; nothing when nothing differs (trap T30). */
async function apply(client: KubeClient, node: Node, { labels, annotations }: NodeDecision): Promise<boolean> {
  const metadata = {
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  if (Object.keys(metadata).length === 0) return false;
  try {
    await client.patch(nodes, node.metadata, { type: 'merge', body: { metadata } });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Once per real change: a label that came or went (checklist 55). */
function tell(events: EventRecorder, node: Node, { loaded, unloaded }: NodeDecision): void {
  for (const change of loaded) {
    const note = `kernel module of ${subjectOf(change)} loaded`;
    events.record({ regarding: node, type: 'Normal', reason: 'ModuleLoaded', note, action: 'Load' });
  }
  for (const change of unloaded) {
    const note = `kernel module of ${subjectOf(change)} left the service of the node`;
    events.record({ regarding: node, type: 'Normal', reason: 'ModuleUnloaded', note, action: 'Unload' });
  }
}

const containerCharsMax = 12;

function subjectOf({ namespace, name, container }: LabelChange): string {
  const id = container.replace(/^.*:\/\//, '').slice(0, containerCharsMax);
  return `Module ${namespace}/${name} (container ${id || 'unknown'})`;
}

function keysForNode({ previous, current }: Change<Node>): string[] {
  return sameNode(previous, current) ? [] : [(current ?? previous)?.metadata.name ?? ''];
}

function keysForPod({ previous, current }: Change<Pod>): string[] {
  const names = [previous?.spec.nodeName, current?.spec.nodeName];
  return [...new Set(names)].filter((name) => name !== undefined);
}

/** A Module that came, goes or went matters to the nodes that have anything of it. */
function keysForModule({ previous, current }: Change<Module>, { pods, nodes }: NodeLabelsOptions['caches']): string[] {
  const module = current ?? previous;
  if (module === undefined || sameForNodes(previous, current)) return [];
  const holding = pods.byIndex(byModule, objectKey(module)).map((pod) => pod.spec.nodeName ?? '');
  const { namespace, name } = module.metadata;
  const recorded = nodes.list().filter((node) => loadedBoots(node)[bootKey({ namespace, name })] !== undefined);
  return [...new Set([...holding, ...recorded.map((node) => node.metadata.name)])].filter((each) => each !== '');
}

function sameForNodes(previous: Module | undefined, current: Module | undefined): boolean {
  if (previous === undefined || current === undefined) return false;
  const loaders = [previous, current].map(({ spec }) => spec.moduleLoader === undefined);
  return isTerminating(previous) === isTerminating(current) && loaders[0] === loaders[1];
}
