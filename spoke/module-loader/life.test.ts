import assert from 'node:assert/strict';
import type { DevicePlugin, Module } from '@open-cluster-management/api-types';
import fc from 'fast-check';
import { readyLabel } from '../../shared/kube/names.ts';
import { buildModule, kernelA, kernelB } from '../testing/builders.ts';
import { Model } from '../testing/model.ts';
import type { ModelNode } from '../testing/model-node.ts';
import { isMarked } from './replacement.ts';

const ready = readyLabel('modules', 'simple');
const devicePlugin = { container: { image: 'example.com/plugin:1' } } as DevicePlugin;

type Action = (model: Model, node: ModelNode, value: number) => void;

/** One turn of one party of the cluster, mostly for one node. */
const turns: Record<string, Action> = {
  kubernetes: (model) => model.kubernetes(),
  spokeModule: (model) => void model.spokeModule(),
  spokeLabels: (model, node) => model.spokeLabels(node),
  kubelet: (model, node) => model.kubelet(node),
  nodeStatus: (model, node) => model.nodeStatus(node),
};

/** Everybody has a few turns. */
const rounds: Record<string, Action> = { round: (model, _node, value) => model.settle(1 + value) };

/** What may happen to a node, or be done to it or to the Module. */
const incidents: Record<string, Action> = {
  reboot: (_model, node) => node.reboot(),
  rebootOther: (_model, node) => node.reboot(node.kernel === kernelA ? kernelB : kernelA),
  down(model, node) {
    node.up = !node.up;
    model.nodeStatus(node);
  },
  select: (model, node) =>
    model.editNode(node, (object) => {
      const { worker, ...labels } = object.metadata.labels ?? {};
      if (worker === undefined) labels['worker'] = '';
      return { ...object, metadata: { ...object.metadata, labels } };
    }),
  taint: (model, node) =>
    model.editNode(node, (object) => {
      const taints = object.spec?.taints?.length ? [] : [{ key: 'a', effect: 'NoSchedule' }];
      return { ...object, spec: { taints } };
    }),
  use(_model, node) {
    // Nobody begins to use what is not there.
    if (!node.users.delete('app') && node.loaded !== undefined) node.users.add('app');
  },
  pull(_model, node) {
    node.pulls = !node.pulls;
  },
  force: (model, node) => model.force(node),
  restart: (model) => model.restartSpoke(),
  edit: (model, _node, value) => edit(model, [`version=${value}`]),
  break: (model) => edit(model, ['broken=1']),
};

const actions = { ...turns, ...rounds, ...incidents };
type Step = { step: string; node: number; value: number };

const nodeCount = 3;
const step: fc.Arbitrary<Step> = fc.record({
  step: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...Object.keys(turns)) },
    { weight: 3, arbitrary: fc.constantFrom(...Object.keys(rounds)) },
    { weight: 4, arbitrary: fc.constantFrom(...Object.keys(incidents)) },
  ),
  node: fc.nat(nodeCount - 1),
  value: fc.nat(3),
});

/** What happens, and in half of the cases what happens after the Module was deleted. */
const sequences = fc.record({
  before: fc.array(step, { maxLength: 50 }),
  after: fc.option(fc.array(step, { maxLength: 20 }), { freq: 2, nil: undefined }),
});

describe('a Module through anything that may happen to its nodes', () => {
  it('goes without unloading what was unloaded before, when the image that followed can never be pulled [43]', () => {
    const model = new Model(buildModule(), 1);
    const [node] = model.nodes;
    model.settle();
    assert.ok(node?.loaded);
    node.pulls = false;
    const { moduleLoader } = model.module!.spec;
    const container = {
      ...moduleLoader!.container,
      kernelMappings: [{ regexp: '.', containerImage: 'example.com/no:1' }],
    };
    model.module = { ...model.module, spec: { ...model.module!.spec, moduleLoader: { container } } } as Module;
    model.settle();
    assert.equal(node.loaded, undefined, 'the pod with the new image has replaced the one that had loaded');
    model.deleteModule();
    model.settle();
    assert.equal(model.module, undefined);
    assertGone(model);
  });

  it('goes with what a pod has left that was taken away by force, though none came after it [43]', () => {
    const model = new Model(buildModule(), 1);
    const [node] = model.nodes;
    model.settle();
    model.force(node!);
    model.kubelet(node!);
    model.spokeModule();
    assert.deepEqual([model.pods.length, node?.loaded !== undefined], [0, true]);
    model.deleteModule();
    model.settle();
    assert.equal(model.module, undefined);
    assertGone(model);
  });

  it('disrupts no node that is as it should be, replaces one node at a time, and forgets no kernel module [T11] [T12] [43]', () => {
    fc.assert(
      fc.property(sequences, fc.boolean(), ({ before, after }, withPlugin) => {
        const model = new Model(buildModule(withPlugin ? { devicePlugin } : {}), nodeCount);
        for (const each of before) take(model, each);
        if (after !== undefined) model.deleteModule();
        for (const each of after ?? []) take(model, each);
        mend(model);
        model.settle();
        if (model.module?.metadata.deletionTimestamp !== undefined) assert.fail('the Module is still there');
        if (model.module === undefined) assertGone(model);
        else assertServed(model);
      }),
      { numRuns: 300 },
    );
  });
});

function take(model: Model, { step: name, node, value }: Step): void {
  actions[name]?.(model, model.nodes[node]!, value);
}

function edit(model: Model, parameters: string[]): void {
  if (model.module === undefined || model.module.metadata.deletionTimestamp) return;
  const { moduleLoader } = model.module.spec;
  const container = { ...moduleLoader!.container, modprobe: { ...moduleLoader!.container.modprobe, parameters } };
  model.module = { ...model.module, spec: { ...model.module.spec, moduleLoader: { container } } } as Module;
}

/** Takes everything out of the way; a Module that is being deleted needs no image that its nodes do not have. */
function mend(model: Model): void {
  edit(model, ['version=final']);
  for (const node of model.nodes) {
    node.up = true;
    node.pulls ||= model.module?.metadata.deletionTimestamp === undefined;
    node.users.delete('app');
    model.editNode(node, (object) => ({ ...object, spec: { taints: [] } }));
  }
}

function assertGone(model: Model): void {
  assert.deepEqual(
    model.nodes.map(({ loaded }) => loaded),
    model.nodes.map(() => undefined),
  );
  assert.deepEqual([model.daemonSets.length, model.pods.length], [0, 0]);
  for (const node of model.nodeObjects) assert.equal(node.metadata.labels?.[ready], undefined);
}

function assertServed(model: Model): void {
  const { plan, seen } = model.spokeModule();
  for (const node of model.nodes) {
    const target = seen.byNode.get(node.name);
    assert.equal(node.loaded, target?.wanted ? target.hash : undefined, `${node.name} has what the spec says`);
    assert.equal(target?.loaded ?? false, target?.wanted ?? false, `${node.name} says so`);
  }
  assert.deepEqual(
    [plan.mark, plan.remove, plan.release, plan.unload, plan.dismiss, plan.discard],
    [[], [], [], [], [], []],
  );
  assert.ok(!model.pods.some(isMarked));
}
