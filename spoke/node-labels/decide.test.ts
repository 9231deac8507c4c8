import assert from 'node:assert/strict';
import fc from 'fast-check';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { Node, Pod } from '../../shared/kube/object.ts';
import {
  buildLoader,
  buildNode,
  buildPlugin,
  ended,
  kernelA,
  kernelB,
  type LoaderOptions,
  type NodeOptions,
} from '../testing/builders.ts';
import { decide, flapMs, type ModuleOnNode, type NodeDecision, unprovenMs } from './decide.ts';

const ready = 'kmm.node.kubernetes.io/modules.simple.ready';
const pluginReady = 'kmm.node.kubernetes.io/modules.simple.device-plugin-ready';
const present = 'boot-of-n1';
const record = (boot = present, container = 'n1-c1') => JSON.stringify({ 'modules.simple': { container, boot } });
const labelled = { labels: { [ready]: '' }, annotations: { [annotations.loadedBoots]: record() } };

function buildModule(overrides: Partial<ModuleOnNode> = {}): ModuleOnNode {
  const pods = overrides.pods ?? [buildLoader('n1')];
  const defaults = { namespace: 'modules', name: 'simple', exists: true, deleting: false, hasLoader: true };
  return { ...defaults, readinessMs: 0, containerMs: 0, ...overrides, pods };
}

function decideFor(nodeOptions: NodeOptions, overrides: Partial<ModuleOnNode> = {}): NodeDecision {
  return decide({ node: buildNode('n1', nodeOptions), modules: [buildModule(overrides)] });
}

/** Whether the node has the ready label when the decision is carried out. */
function isOn(nodeOptions: NodeOptions, overrides: Partial<ModuleOnNode> = {}, label = ready): boolean {
  const change = decideFor(nodeOptions, overrides).labels[label];
  return change === undefined ? nodeOptions.labels?.[label] !== undefined : change !== null;
}

const loader = (options: LoaderOptions) => ({ pods: [buildLoader('n1', options)] });

describe('the kernel label', () => {
  it('is the kernel without +, put right when it is wrong and kept when it is right [27]', () => {
    const wrong = { release: `${kernelA}+`, labels: { [labels.kernelVersion]: 'old' } };
    assert.equal(decideFor(wrong).labels[labels.kernelVersion], kernelA);
    assert.deepEqual(decideFor({ release: `${kernelA}+` }, { pods: [] }).labels, {});
  });

  it('goes when the node reports what no label can hold', () => {
    const node = { release: 'not a kernel', labels: { [labels.kernelVersion]: kernelA } };
    assert.equal(decideFor(node).labels[labels.kernelVersion], null);
  });
});

describe('the ready label', () => {
  it('is set, with the record of its boot, for a container that started under the present boot [38]', () => {
    const decision = decideFor({});
    assert.deepEqual(decision.labels, { [ready]: '' });
    assert.deepEqual(decision.annotations, { [annotations.loadedBoots]: record() });
    assert.equal(decision.loaded.length, 1);
  });

  it('costs nothing when all is as it should be, also after a restart of the spoke [T30]', () => {
    const decision = decideFor(labelled);
    assert.deepEqual([decision.labels, decision.annotations, decision.loaded], [{}, {}, []]);
  });

  const falls: [string, NodeOptions, Partial<ModuleOnNode>][] = [
    ['the boot id changed, though the pod still looks Ready', { ...labelled, boot: 'new' }, {}],
    ['the pod is being deleted', labelled, loader({ deleted: true })],
    ['a replacement is planned', labelled, loader({ marked: true })],
    ['the Module is being deleted', labelled, { deleting: true }],
    ['the Module is gone', labelled, { deleting: true, exists: false, pods: [] }],
    ['the pod is gone', labelled, { pods: [] }],
    ['the node runs another kernel than the pod is for', { ...labelled, release: kernelB }, {}],
  ];
  for (const [why, node, module] of falls) {
    it(`falls at once when ${why} [39]`, () => assert.equal(isOn(node, module), false));
  }

  it('outlasts Ready=False alone for half a minute, as a restart of kubelet makes it', () => {
    const early = decideFor(labelled, { ...loader({ ready: false }), readinessMs: flapMs - 1000 });
    assert.deepEqual(early.labels, {});
    assert.equal(early.recheckMs, 1000);
    assert.equal(isOn(labelled, { ...loader({ ready: false }), readinessMs: flapMs }), false);
  });

  it('is not kept by the pod that comes after the one that is being deleted', () => {
    const pods = [
      buildLoader('n1', { deleted: true, uid: 'earlier' }),
      buildLoader('n1', { ready: false, container: 'n1-c2' }),
    ];
    assert.equal(isOn(labelled, { pods }), false);
  });

  it('loses its record when an unload is proven, so that a pod that never starts has nothing to answer for', () => {
    const status = { state: ended({ verb: 'unload', result: 'Unloaded', boot: present }, 0) };
    const noted = { annotations: labelled.annotations };
    const unloaded = buildLoader('n1', { deleted: true, uid: 'earlier', status });
    assert.equal(decideFor(noted, { pods: [unloaded] }).annotations[annotations.loadedBoots], null);
    const starting = buildLoader('n1', { ready: false, container: 'n1-c2' });
    assert.deepEqual(decideFor(noted, { pods: [unloaded, starting] }).annotations, {});
    const elsewhen = { state: ended({ verb: 'unload', result: 'Unloaded', boot: 'earlier' }, 0) };
    const other = buildLoader('n1', { deleted: true, status: elsewhen });
    assert.deepEqual(decideFor(noted, { pods: [other] }).annotations, {});
  });

  it('is not set anew for a pod that is not Ready', () => assert.equal(isOn({}, loader({ ready: false })), false));

  it('stays on a node that is not Ready, whose pods all look so', () => {
    assert.equal(isOn({ ...labelled, ready: false }, { ...loader({ ready: false }), readinessMs: 3_600_000 }), true);
  });

  it('stays when the container is another one of the same boot', () => {
    assert.equal(isOn(labelled, loader({ container: 'n1-c2' })), true);
    assert.equal(
      decideFor(labelled, loader({ container: 'n1-c2' })).annotations[annotations.loadedBoots],
      record(present, 'n1-c2'),
    );
  });

  it('waits when a pod cannot prove its boot, and believes what lasts', () => {
    const lost = loader({ sandboxBoot: null });
    assert.equal(isOn({}, { ...lost, containerMs: unprovenMs - 1 }), false);
    assert.equal(decideFor({}, lost).recheckMs, unprovenMs);
    assert.equal(isOn({}, { ...lost, containerMs: unprovenMs }), true);
    assert.equal(isOn(labelled, lost), true);
    assert.equal(isOn({ ready: false }, { ...lost, containerMs: unprovenMs }), false);
  });

  it('is another Module’s business in another namespace, and both may have dots only in the name [T14]', () => {
    const other = buildModule({ namespace: 'other', pods: [buildLoader('n1', { namespace: 'other' })] });
    const mine = buildModule({ pods: [] });
    const decision = decide({ node: buildNode('n1', labelled), modules: [mine, other] });
    assert.deepEqual(decision.labels, { [ready]: null, 'kmm.node.kubernetes.io/other.simple.ready': '' });
    const dotted = buildModule({ name: 'a.b', pods: [buildLoader('n1', { module: 'a.b' })] });
    assert.deepEqual(decide({ node: buildNode('n1'), modules: [dotted] }).labels, {
      'kmm.node.kubernetes.io/modules.a.b.ready': '',
    });
  });

  it('stands on a record of its own for each of two Modules of one name in two namespaces [T13] [T14]', () => {
    const other = buildModule({ namespace: 'other', pods: [buildLoader('n1', { namespace: 'other' })] });
    const { annotations: written } = decide({ node: buildNode('n1'), modules: [buildModule(), other] });
    const records = JSON.parse(written[annotations.loadedBoots] ?? '{}');
    assert.deepEqual(Object.keys(records), ['modules.simple', 'other.simple']);
  });

  it('is removed in its deprecated forms and where no Module has it; what is not ours stays [41]', () => {
    const node = buildNode('n1', {
      labels: {
        'kmm.node.kubernetes.io/simple.ready': '',
        'kmm.node.kubernetes.io/simple.device-plugin-ready': '',
        'kmm.node.kubernetes.io/gone.simple.ready': '',
        'kmm.node.kubernetes.io/version-module.modules.simple': '1',
        'kmm.node.kubernetes.io/modules.simple.version.ready': '1',
        'example.com/a.b.ready': '',
      },
    });
    assert.deepEqual(decide({ node, modules: [] }).labels, {
      'kmm.node.kubernetes.io/simple.ready': null,
      'kmm.node.kubernetes.io/simple.device-plugin-ready': null,
      'kmm.node.kubernetes.io/gone.simple.ready': null,
    });
  });
});

describe('after a reboot the ready label', () => {
  const rebooted = { boot: 'B2', labels: { [ready]: '' }, annotations: { [annotations.loadedBoots]: record() } };
  const off = { boot: 'B2', annotations: rebooted.annotations };
  const again = loader({ sandboxBoot: 'B2', container: 'n1-c2' });

  it('falls with the first news, whether of the node or of the pod [T11]', () => {
    assert.equal(isOn(rebooted), false);
    assert.equal(isOn(labelled, again), false);
  });

  it('does not come back for a pod status that is older than the reboot, even one never seen before [T11]', () => {
    assert.equal(isOn(off, { containerMs: 3_600_000 }), false);
    assert.equal(isOn(off, { ...loader({ container: 'n1-c9' }), containerMs: 3_600_000 }), false);
    assert.equal(isOn({ boot: 'B2' }, { containerMs: 3_600_000 }), false);
  });

  it('comes back when both tell of the new boot, in whatever order they did [T11] [45]', () => {
    assert.equal(isOn(off, again), true);
    assert.equal(isOn({ ...labelled, labels: {} }, again), false);
    assert.equal(decideFor(off, again).annotations[annotations.loadedBoots], record('B2', 'n1-c2'));
  });

  it('does not come back before the new container is Ready [T11]', () => {
    const starting = loader({ sandboxBoot: 'B2', container: 'n1-c2', ready: false });
    assert.equal(isOn(off, starting), false);
    assert.equal(isOn(rebooted, starting), false);
  });

  it('keeps to all that for any sequence of news [T11]', () => {
    type News = { kind: 'node' } | { kind: 'pod'; container: number; ready: boolean } | { kind: 'spoke' };
    const news: fc.Arbitrary<News> = fc.oneof(
      fc.constant({ kind: 'node' as const }),
      fc.record({ kind: fc.constant('pod' as const), container: fc.nat(2), ready: fc.boolean() }),
      fc.constant({ kind: 'spoke' as const }),
    );
    fc.assert(
      fc.property(fc.array(news, { maxLength: 12 }), (sequence) => {
        // Truth: the node is in boot B2. Containers 0 and 1 ran under the first boot, 2 runs under the second.
        let node: Node = buildNode('n1', labelled);
        let pod: Pod = buildLoader('n1');
        for (const each of sequence) {
          if (each.kind === 'node') node = { ...node, status: buildNode('n1', { boot: 'B2' }).status! };
          if (each.kind === 'pod') {
            const sandboxBoot = each.container === 2 ? 'B2' : present;
            pod = buildLoader('n1', { sandboxBoot, container: `n1-c${each.container}`, ready: each.ready });
          }
          const decision = decide({ node, modules: [buildModule({ pods: [pod] })] });
          const { labels: before = {}, annotations: noted = {} } = node.metadata;
          const applied = {
            labels: applyTo(before, decision.labels),
            annotations: applyTo(noted, decision.annotations),
          };
          node = { ...node, metadata: { ...node.metadata, ...applied } };
          const newBoot = node.status?.nodeInfo?.bootID === 'B2';
          const isReady = pod.status?.conditions?.[0]?.status === 'True';
          const inBoot2 = pod.status?.containerStatuses?.[0]?.containerID === 'n1-c2';
          if (newBoot && ready in applied.labels) assert.ok(inBoot2);
          if (newBoot && isReady) assert.equal(ready in applied.labels, inBoot2);
        }
      }),
    );
  });
});

describe('the device-plugin-ready label', () => {
  const pods = (options: Parameters<typeof buildPlugin>[1] = {}) => ({
    pods: [buildLoader('n1'), buildPlugin('n1', options)],
  });
  const both = { ...labelled, labels: { [ready]: '', [pluginReady]: '' } };

  it('follows the readiness of the plugin pod [99]', () => {
    assert.equal(isOn(labelled, pods(), pluginReady), true);
    assert.equal(isOn(both, pods({ ready: false }), pluginReady), false);
    assert.equal(isOn(both, pods({ deleted: true }), pluginReady), false);
    assert.equal(isOn(both, { pods: [buildLoader('n1')] }, pluginReady), false);
  });

  it('falls with the ready label, which its pods need, and stays on a node that is not Ready [T12] [99]', () => {
    assert.equal(isOn({ ...both, boot: 'B2' }, pods(), pluginReady), false);
    assert.equal(isOn({ ...both, ready: false }, pods({ ready: false }), pluginReady), true);
  });

  it('needs no ready label where nothing is loaded [51]', () => {
    assert.equal(isOn({}, { hasLoader: false, pods: [buildPlugin('n1')] }, pluginReady), true);
  });

  it('is not kept by a pod of the same Module name in another namespace [T14]', () => {
    const other = buildModule({
      namespace: 'other',
      hasLoader: false,
      pods: [buildPlugin('n1', { namespace: 'other' })],
    });
    const decision = decide({ node: buildNode('n1', both), modules: [buildModule(), other] });
    assert.equal(decision.labels[pluginReady], null);
  });
});

function applyTo(present: Record<string, string>, changes: Record<string, string | null>): Record<string, string> {
  const entries = Object.entries({ ...present, ...changes });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}
