import assert from 'node:assert/strict';
import type { Module } from '@open-cluster-management/api-types';
import { annotations, finalizers, readyLabel } from '../../shared/kube/names.ts';
import { type DaemonSet, type Node, objectKey, type Pod } from '../../shared/kube/object.ts';
import { VirtualClock } from '../../shared/testing/virtual-clock.ts';
import { devicePluginPlan } from '../device-plugin/decide.ts';
import { moduleIndex, podIndexes } from '../indexes.ts';
import { decide as decideModule, type Plan } from '../module-loader/decide.ts';
import { gather as gatherModule } from '../module-loader/gather.ts';
import { isMarked, isUntouched } from '../module-loader/replacement.ts';
import { type ModulePicture, type Survey, survey } from '../module-loader/survey.ts';
import { decide as decideNode } from '../node-labels/decide.ts';
import { gather as gatherNode } from '../node-labels/gather.ts';
import { Observations } from '../observations.ts';
import { isPodReady } from '../pods.ts';
import { settings } from './builders.ts';
import { annotated, forced, isLoaderOf, isOwned, merged, podOf, view } from './model-api.ts';
import { ModelNode } from './model-node.ts';

const key = 'modules/simple';
const ready = readyLabel('modules', 'simple');

/**
 * A cluster in one thread: what the API server holds, what is true on the nodes, and one step of each party at a time.
 * Whatever the order of steps, the promises that a spoke makes are asserted where they could be broken.
 */
export class Model {
  module: Module | undefined;
  nodes: ModelNode[];
  daemonSets: DaemonSet[] = [];
  pods: Pod[] = [];
  nodeObjects: Node[];
  #made = 0;
  #marked: string | undefined;
  readonly #clock = new VirtualClock();
  #observations = new Observations(this.#clock);
  /** Nodes that a replacement took out of service, until they are back. */
  #out = new Set<string>();

  constructor(module: Module, nodeCount: number) {
    this.module = module;
    this.nodes = Array.from({ length: nodeCount }, (_, index) => new ModelNode(`n${index}`));
    this.nodeObjects = this.nodes.map((node) => node.report(undefined));
  }

  /** One look of the module-loader controller. */
  spokeModule(): { plan: Plan; seen: Survey } {
    this.#clock.skip(5_000);
    const picture = gatherModule(this.#sources(), key, this.#marked);
    const seen = survey(picture);
    const plan = decideModule(picture, seen);
    this.#judge(plan, seen, picture);
    if (plan.finalizer && this.module && !this.module.metadata.deletionTimestamp) this.#finalize(this.module);
    const plugin = devicePluginPlan(picture, seen);
    for (const wanted of [...plan.daemonSets, ...(plugin.daemonSet ? [plugin.daemonSet] : [])])
      this.#writeDaemonSet(wanted);
    if (plan.mark[0] !== undefined) this.#marked = plan.mark[0].metadata.uid;
    for (const pod of plan.mark) this.#edit(pod, { [annotations.replace]: '' });
    for (const pod of plan.unmark) this.#edit(pod, { [annotations.replace]: undefined });
    for (const { pod } of plan.remove) this.#deletePod(pod);
    for (const pod of plan.release) this.#release(pod);
    for (const pod of plan.unload) if (!this.pods.some((each) => objectKey(each) === objectKey(pod))) this.#addPod(pod);
    for (const pod of plan.dismiss) this.pods = this.pods.filter((each) => each.metadata.uid !== pod.metadata.uid);
    for (const each of [...plan.discard, ...plugin.discard]) this.#deleteDaemonSet(each);
    if (!plan.finalizer && this.module?.metadata.deletionTimestamp) this.module = undefined;
    return { plan, seen };
  }

  /** One look of the node-labels controller at one node. */
  spokeLabels(node: ModelNode): void {
    this.#clock.skip(1_000);
    const picture = gatherNode(this.#sources(), node.name);
    assert.ok(picture);
    const decision = decideNode(picture);
    this.#setNode({
      ...picture.node,
      metadata: {
        ...picture.node.metadata,
        labels: merged(picture.node.metadata.labels, decision.labels),
        annotations: merged(picture.node.metadata.annotations, decision.annotations),
      },
    });
    // Trap T11: what the API knows of the boot being true, the label stands only over what is in the kernel.
    const after = this.nodeObjects.find(({ metadata }) => metadata.name === node.name);
    const isCurrent = after?.status?.nodeInfo?.bootID === node.bootId;
    if (isCurrent && after.metadata.labels?.[ready] !== undefined)
      assert.ok(node.loaded, `${node.name} is labelled and empty`);
  }

  restartSpoke(): void {
    this.#marked = undefined;
    this.#observations = new Observations(this.#clock);
  }

  /** Somebody takes the node's loader pods away by force: no hook runs. */
  force(node: ModelNode): void {
    this.pods = this.pods.map((pod) => (isLoaderOf(pod, node.name) ? forced(pod, this.#clock.now()) : pod));
  }

  /** Kubernetes' DaemonSet and garbage controllers. */
  kubernetes(): void {
    for (const daemonSet of this.daemonSets) {
      for (const node of this.nodeObjects) {
        const selector = Object.entries(daemonSet.spec.template.spec?.nodeSelector ?? {});
        const selected = selector.every(([name, value]) => node.metadata.labels?.[name] === value);
        const closed = node.spec?.taints?.length;
        const own = this.pods.filter((pod) => isOwned(pod, daemonSet) && pod.spec.nodeName === node.metadata.name);
        if (!selected) for (const pod of own) this.#deletePod(pod);
        else if (own.length === 0 && !closed) this.#addPod(podOf(daemonSet, node));
      }
    }
    for (const pod of this.pods) {
      const owner = pod.metadata.ownerReferences?.[0];
      if (owner !== undefined && !this.daemonSets.some(({ metadata }) => metadata.uid === owner.uid))
        this.#deletePod(pod);
    }
  }

  kubelet(node: ModelNode): void {
    this.pods = this.pods.flatMap((pod) => (pod.spec.nodeName === node.name ? (node.sync(pod) ?? []) : [pod]));
  }

  /** The node's kubelet tells the API server how the node is; that it is not Ready others tell. */
  nodeStatus(node: ModelNode): void {
    this.#setNode(node.report(this.nodeObjects.find(({ metadata }) => metadata.name === node.name)));
  }

  editNode(node: ModelNode, change: (object: Node) => Node): void {
    const object = this.nodeObjects.find(({ metadata }) => metadata.name === node.name);
    if (object !== undefined) this.#setNode(change(object));
  }

  deleteModule(): void {
    if (this.module === undefined || this.module.metadata.deletionTimestamp) return;
    const metadata = { ...this.module.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const held = metadata.finalizers?.includes(finalizers.module);
    this.module = held ? { ...this.module, metadata } : undefined;
    if (!held) this.daemonSets = [];
  }

  /** Everybody has had their turns, and nothing is in the way. */
  settle(rounds = 40): void {
    for (let round = 0; round < rounds; round++) {
      for (const node of this.nodes) {
        this.nodeStatus(node);
        this.kubelet(node);
        this.spokeLabels(node);
      }
      this.spokeModule();
      this.kubernetes();
    }
  }

  #judge(plan: Plan, seen: Survey, picture: ModulePicture): void {
    for (const node of this.nodes) {
      const target = seen.byNode.get(node.name);
      // In service again, with whatever version.
      const serves = target?.labelled && target.live && isPodReady(target.live) && !isMarked(target.live);
      const closed = target?.live === undefined && target?.open === false;
      const isLost = target && !target.reachable && !target.labelled && isUntouched(target, picture);
      if (!target?.wanted || serves || closed || isLost) this.#out.delete(node.name);
    }
    for (const pod of [...plan.mark, ...plan.remove.map((each) => each.pod)]) {
      const target = seen.byNode.get(pod.spec.nodeName ?? '');
      if (!target?.wanted) continue;
      assert.ok(!target.loaded, `${target.name} is as it should be, and is disrupted`);
      if (!plan.mark.includes(pod)) {
        assert.ok(!target.labelled, `${target.name} loses its pod before its label`);
        continue;
      }
      this.#out.add(target.name);
      assert.ok(this.#out.size <= 1, `${[...this.#out].join(' and ')} are out of service at once`);
    }
    for (const pod of plan.release) {
      const node = this.nodes.find(({ name }) => name === pod.spec.nodeName);
      const wanted = seen.byNode.get(node?.name ?? '')?.wanted;
      // Another loader pod of the node answers for what it loaded itself.
      const others = this.pods.some(
        (each) => each.spec.nodeName === node?.name && each.metadata.finalizers?.length && !plan.release.includes(each),
      );
      assert.ok(wanted || others || node?.loaded === undefined, `${node?.name} is forgotten with its kernel module`);
    }
    if (plan.finalizer) return;
    for (const node of this.nodes) assert.equal(node.loaded, undefined, `${node.name} outlives the finalizer`);
  }

  #sources() {
    return {
      modules: view(this.module === undefined ? [] : [this.module], {}),
      nodes: view(this.nodeObjects, {}),
      pods: view(this.pods, podIndexes),
      daemonSets: view(this.daemonSets, moduleIndex),
      settings,
      images: { known: () => new Map() },
      clock: this.#clock,
      observations: this.#observations,
    };
  }

  #finalize(module: Module): void {
    this.module = { ...module, metadata: { ...module.metadata, finalizers: [finalizers.module] } };
  }

  #writeDaemonSet(wanted: DaemonSet): void {
    const present = this.daemonSets.find(({ metadata }) => metadata.name === wanted.metadata.name);
    const apiVersion = 'kmm.sigs.x-k8s.io/v1beta1';
    const owner = { apiVersion, kind: 'Module', name: 'simple', uid: 'module-uid', controller: true };
    const uid = present?.metadata.uid ?? `ds-${++this.#made}`;
    const written = { ...wanted, metadata: { ...wanted.metadata, uid, ownerReferences: [owner] } };
    this.daemonSets = [...this.daemonSets.filter((each) => each !== present), written];
  }

  #deleteDaemonSet({ metadata }: DaemonSet): void {
    this.daemonSets = this.daemonSets.filter((each) => each.metadata.uid !== metadata.uid);
  }

  #addPod(pod: Pod): void {
    const uid = `pod-${++this.#made}`;
    const creationTimestamp = new Date(this.#clock.now()).toISOString();
    const name = pod.metadata.name || uid;
    this.pods.push({ ...pod, metadata: { ...pod.metadata, name, uid, creationTimestamp } });
  }

  #edit({ metadata }: Pod, change: Record<string, string | undefined>): void {
    this.pods = this.pods.map((pod) => (pod.metadata.uid === metadata.uid ? annotated(pod, change) : pod));
  }

  #deletePod({ metadata }: Pod): void {
    const deletionTimestamp = new Date(this.#clock.now() + 90_000).toISOString();
    this.pods = this.pods.map((pod) =>
      pod.metadata.uid !== metadata.uid || pod.metadata.deletionTimestamp
        ? pod
        : { ...pod, metadata: { ...pod.metadata, deletionTimestamp } },
    );
  }

  #release({ metadata }: Pod): void {
    this.pods = this.pods.flatMap((pod) => {
      if (pod.metadata.uid !== metadata.uid) return [pod];
      return pod.metadata.deletionGracePeriodSeconds === 0
        ? []
        : [{ ...pod, metadata: { ...pod.metadata, finalizers: [] } }];
    });
  }

  #setNode(object: Node): void {
    this.nodeObjects = this.nodeObjects.map((each) => (each.metadata.name === object.metadata.name ? object : each));
  }
}
