import assert from 'node:assert/strict';
import type { DevicePlugin, Module } from '@open-cluster-management/api-types';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { Pod } from '../../shared/kube/object.ts';
import {
  buildLoader,
  buildModule,
  buildNode,
  buildPlugin,
  ended,
  kernelA,
  kernelB,
  settings,
} from '../testing/builders.ts';
import { look, ownedDaemonSet, servingLoader, servingNode } from '../testing/picture.ts';
import { unloadPod } from './unload-pod.ts';

const changed = (() => {
  const module = buildModule({}, { generation: 2 });
  module.spec.moduleLoader!.container.modprobe.parameters = ['debug=1'];
  return module;
})();
const namesOf = (pods: readonly Pod[]) => pods.map((pod) => pod.spec.nodeName).sort();
const kernelsOf = (plan: ReturnType<typeof look>['plan']) =>
  plan.daemonSets.map((each) => each.metadata.labels?.[labels.kernelVersion]).sort();
const inUse = { verb: 'unload', result: 'Failed', reason: 'ModuleInUse', message: 'in use', holders: ['user'] };

describe('the loaders that a Module wants', () => {
  it('are one DaemonSet for each kernel of the nodes that have all labels of the selector [1] [21] [23]', () => {
    const module = buildModule({ selector: { worker: '', gpu: 'yes' } });
    const nodes = [
      buildNode('n1', { labels: { gpu: 'yes' } }),
      buildNode('n2', { labels: { gpu: 'no' }, release: kernelB }),
      buildNode('n3', { release: kernelB }),
      buildNode('n4', { labels: { gpu: 'yes' }, release: `${kernelA}+` }),
    ];
    assert.deepEqual(kernelsOf(look({ module, nodes }).plan), [kernelA]);
    assert.deepEqual(kernelsOf(look({ nodes }).plan), [kernelA, kernelB]);
  });

  it('are for all nodes with an empty selector [220]', () => {
    const nodes = [buildNode('n1'), { ...buildNode('n2'), metadata: { name: 'n2', labels: {} } }];
    const { status } = look({ module: buildModule({ selector: {} }), nodes });
    assert.equal(status?.moduleLoader?.nodesMatchingSelectorNumber, 2);
  });

  it('leave nodes alone whose kernel no mapping matches, name the kernel, and serve the others [7]', () => {
    const { plan, status } = look({ nodes: [buildNode('n1'), buildNode('n2', { release: '4.18.0-1' })] });
    assert.deepEqual(kernelsOf(plan), [kernelA]);
    assert.equal(status?.moduleLoader?.desiredNumber, 1);
    assert.deepEqual(JSON.parse(status?.report ?? '').unmapped, ['4.18.0-1']);
    assert.match(status?.conditions?.find(({ type }) => type === 'KernelsMapped')?.message ?? '', /4\.18\.0-1/);
  });

  it('name a mapping that cannot be resolved, leave its DaemonSet as it is, and serve the others [12]', () => {
    const module = buildModule();
    module.spec.moduleLoader!.container.kernelMappings = [
      { literal: kernelB, containerImage: 'example.com/simple:${KERNEL' },
      { regexp: '.', containerImage: 'example.com/simple:1' },
    ];
    const nodes = [buildNode('n1'), buildNode('n2', { release: kernelB })];
    const { plan, status } = look({ module, nodes, daemonSets: [ownedDaemonSet(buildModule(), kernelB)] });
    assert.deepEqual(kernelsOf(plan), [kernelA]);
    assert.deepEqual(plan.discard, []);
    const [error] = JSON.parse(status?.report ?? '').errors;
    assert.deepEqual([error.node, error.kernel, error.reason], ['n2', kernelB, 'MappingInvalid']);
  });

  it('load nothing without the firmware that they ask for, say why, and leave what is loaded [61]', () => {
    const module = buildModule();
    module.spec.moduleLoader!.container.modprobe.firmwarePath = '/fw';
    const worker = { ...settings.worker, firmwareHostPath: '' };
    const nodes = [buildNode('n1'), buildNode('n2', { release: kernelB })];
    const picture = {
      module,
      nodes,
      settings: { ...settings, worker },
      daemonSets: [ownedDaemonSet(buildModule(), kernelB)],
    };
    const { plan, status } = look(picture);
    assert.deepEqual([kernelsOf(plan), plan.discard], [[], []]);
    const { errors } = JSON.parse(status?.report ?? '');
    assert.deepEqual(
      errors.map(({ node, reason }: { node: string; reason: string }) => [node, reason]),
      [
        ['n1', 'NoFirmwareHostPath'],
        ['n2', 'NoFirmwareHostPath'],
      ],
    );
    const failed = status?.conditions?.find(({ message }) => /worker\.firmwareHostPath is empty/.test(message));
    assert.ok(failed, JSON.stringify(status?.conditions));
    delete module.spec.moduleLoader!.container.modprobe.firmwarePath;
    assert.deepEqual(kernelsOf(look(picture).plan), [kernelA, kernelB]);
  });

  it('go with the last node of their kernel, whatever the taints of those that are left [50]', () => {
    const tainted = buildNode('n1', { taints: [{ key: 'a', effect: 'NoSchedule' }] });
    const daemonSets = [ownedDaemonSet(), ownedDaemonSet(buildModule(), kernelB)];
    const { plan } = look({ nodes: [tainted], daemonSets });
    assert.deepEqual(plan.discard, [daemonSets[1]]);
    assert.deepEqual(kernelsOf(plan), [kernelA]);
  });

  it('are none for a Module whose names no label can hold, which says so', () => {
    const identity = { namespace: 'modules', name: 'm'.repeat(40) };
    const { plan, status } = look({ identity, nodes: [buildNode('n1')] });
    assert.deepEqual(plan.daemonSets, []);
    assert.equal(status?.conditions?.[0]?.reason, 'NameTooLong');
  });
});

describe('tainted nodes', () => {
  const taints = [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }];

  it('are no targets for new loads unless tolerated, and count as soon as it is loaded there [2] [3]', () => {
    assert.equal(look({ nodes: [buildNode('n1', { taints })] }).status?.moduleLoader?.desiredNumber, 0);
    const tolerant = buildModule({ tolerations: [{ key: 'gpu', operator: 'Exists' }] });
    assert.equal(
      look({ module: tolerant, nodes: [buildNode('n1', { taints })] }).status?.moduleLoader?.desiredNumber,
      1,
    );
    const { plan, status } = look({ nodes: [servingNode('n1', { taints })], pods: [servingLoader('n1')] });
    assert.deepEqual(status?.moduleLoader, { nodesMatchingSelectorNumber: 1, desiredNumber: 1, availableNumber: 1 });
    assert.deepEqual([plan.mark, plan.remove], [[], []]);
  });

  it('are not replaced while no new pod could come, and a mark is taken back [2]', () => {
    const nodes = [servingNode('n1', { taints })];
    assert.deepEqual(look({ module: changed, nodes, pods: [servingLoader('n1')] }).plan.mark, []);
    const marked = look({ module: changed, nodes, pods: [servingLoader('n1', { marked: true })] }).plan;
    assert.deepEqual(namesOf(marked.unmark), ['n1']);
    assert.deepEqual(marked.remove, []);
  });

  it('are unloaded by NoExecute: what an ended pod left is taken out there', () => {
    const pod = servingLoader('n1', {
      deleted: true,
      final: true,
      status: { state: ended({ ...inUse, boot: 'boot-of-n1' }) },
    });
    const nodes = [buildNode('n1', { taints: [{ key: 'a', effect: 'NoExecute' }] })];
    assert.deepEqual(namesOf(look({ nodes, pods: [pod] }).plan.unload), ['n1']);
    assert.deepEqual(namesOf(look({ nodes: [buildNode('n1')], pods: [pod] }).plan.release), ['n1']);
  });
});

describe('a changed load', () => {
  const nodes = ['n1', 'n2', 'n3'].map((name) => servingNode(name));
  const pods = ['n1', 'n2', 'n3'].map((name) => servingLoader(name));

  it('marks one node, and no other before that one serves again [46]', () => {
    assert.deepEqual(namesOf(look({ module: changed, nodes, pods }).plan.mark), ['n1']);
    const marked = [servingLoader('n1', { marked: true }), ...pods.slice(1)];
    const { plan, status } = look({ module: changed, nodes, pods: marked });
    assert.deepEqual([plan.mark, plan.remove], [[], []]);
    assert.equal(status?.conditions?.[0]?.reason, 'Replacing');
    assert.match(status?.conditions?.[0]?.message ?? '', /waits for n1/);
    assert.equal(status?.moduleLoader?.availableNumber, 0);
  });

  it('ends the pod when label and plugin are gone, not before [100] [T12]', () => {
    const marked = servingLoader('n1', { marked: true });
    const remove = (node: ReturnType<typeof buildNode>, plugins: Pod[]) =>
      look({ module: changed, nodes: [node], pods: [marked, ...plugins] }).plan.remove.map(({ reason }) => reason);
    assert.deepEqual(remove(servingNode('n1'), []), []);
    assert.deepEqual(remove(buildNode('n1'), [buildPlugin('n1', { deleted: true })]), []);
    assert.deepEqual(remove(buildNode('n1', { ready: false }), []), []);
    assert.deepEqual(remove(buildNode('n1'), []), ['Outdated']);
  });

  it('goes on to the next node when the new pod is Ready, labelled, and its plugin is back [100]', () => {
    const withPlugin = {
      ...changed,
      spec: { ...changed.spec, devicePlugin: { container: { image: 'p' } } as DevicePlugin },
    };
    const renewed = [servingLoader('n1', {}, changed), ...pods.slice(1)];
    const mark = (module: Module, first: ReturnType<typeof buildNode>, all: Pod[]) =>
      namesOf(look({ module, nodes: [first, ...nodes.slice(1)], pods: all }).plan.mark);
    assert.deepEqual(mark(changed, buildNode('n1'), renewed), []);
    assert.deepEqual(mark(changed, servingNode('n1'), renewed), ['n2']);
    assert.deepEqual(mark(withPlugin, servingNode('n1'), renewed), []);
    assert.deepEqual(mark(withPlugin, servingNode('n1'), [...renewed, buildPlugin('n1')]), ['n2']);
  });

  it('stops at a node that fails and names it', () => {
    const failing = servingLoader(
      'n1',
      { ready: false, status: { state: ended({ verb: 'run', result: 'Failed', reason: 'Busy' }) } },
      changed,
    );
    const { plan, status } = look({
      module: changed,
      nodes: [buildNode('n1'), ...nodes.slice(1)],
      pods: [failing, ...pods.slice(1)],
    });
    assert.deepEqual(plan.mark, []);
    assert.match(status?.conditions?.[0]?.message ?? '', /n1: Busy/);
  });

  it('stops at a node that died of it, and not at one that was dead before', () => {
    const dead = buildNode('n1', { ready: false });
    const mark = (first: Pod[], node = dead) =>
      namesOf(
        look({ module: changed, nodes: [node, ...nodes.slice(1)], pods: [...first, ...pods.slice(1)] }).plan.mark,
      );
    assert.deepEqual(mark([servingLoader('n1', {}, changed)]), []);
    assert.deepEqual(mark([servingLoader('n1')]), ['n2']);
    assert.deepEqual(mark([servingLoader('n1', {}, changed)], servingNode('n1', { ready: false })), ['n2']);
  });

  it('keeps to the node that was marked while the cache does not show it yet', () => {
    assert.deepEqual(namesOf(look({ module: changed, nodes, pods, marked: 'loader-simple-n2' }).plan.mark), ['n2']);
  });

  it('takes its mark back when the spec is changed back', () => {
    const marked = [servingLoader('n1', { marked: true }), ...pods.slice(1)];
    assert.deepEqual(namesOf(look({ nodes, pods: marked }).plan.unmark), ['n1']);
  });

  it('is another kernel’s mapping or another plugin for nobody [46]', () => {
    const module = buildModule({ devicePlugin: { container: { image: 'p:2' } } as DevicePlugin });
    module.spec.moduleLoader!.container.kernelMappings.push({
      literal: kernelB,
      containerImage: 'example.com/other:1',
    });
    const { plan } = look({ module, nodes, pods });
    assert.deepEqual([plan.mark, plan.remove], [[], []]);
  });
});

describe('a failing loader pod', () => {
  const pull = { status: { state: { waiting: { reason: 'ImagePullBackOff' } }, containerID: '' }, ready: false };

  it('is deleted at once when its template changed, so that back-off delays no cure [52]', () => {
    const module = buildModule({ imageRepoSecret: { name: 'mended' } });
    const remove = (each: Module) =>
      look({
        module: each,
        nodes: [buildNode('n1'), buildNode('n2')],
        pods: [servingLoader('n1', pull), servingLoader('n2', pull)],
      }).plan.remove.map(({ reason }) => reason);
    assert.deepEqual(remove(module), ['FailingAndChanged', 'FailingAndChanged']);
    assert.deepEqual(remove(buildModule()), []);
  });

  it('counts as failed after a minute of pull errors, at once for a refused load, never for another kernel', () => {
    const nodes = [buildNode('n1')];
    const failed = (pod: Pod, troubleMs = 0) =>
      look({ nodes, pods: [pod], troubleMs: new Map([['n1', troubleMs]]) }).status?.kernels?.[0]?.failed;
    const refused = (reason: string) =>
      servingLoader('n1', { ready: false, status: { state: ended({ verb: 'run', result: 'Failed', reason }) } });
    assert.equal(failed(servingLoader('n1', pull), 59_999), 0);
    assert.equal(failed(servingLoader('n1', pull), 60_000), 1);
    assert.equal(failed(refused('ModuleNotFound')), 1);
    assert.equal(failed(refused('OtherKernel')), 0);
  });
});

describe('one-shot unload pods', () => {
  const left = servingLoader('n1', {
    deleted: true,
    final: true,
    uid: 'p1',
    status: { state: ended({ ...inUse, boot: 'boot-of-n1' }) },
  });
  const node = { ...buildNode('n1'), metadata: { ...buildNode('n1').metadata, labels: {} } };
  const made = (changes: object = {}, uid = 'p1'): Pod => {
    const pod = unloadPod(left);
    const metadata = {
      ...pod.metadata,
      uid: 'u1',
      creationTimestamp: '2025-12-31T23:00:00Z',
      annotations: { [annotations.unloadsFor]: uid },
    };
    return { ...pod, metadata, ...changes } as Pod;
  };
  const endedWith = (result: object, exitCode: number, phase: string) => ({
    status: {
      phase,
      containerStatuses: [
        { name: 'module-loader', restartCount: 0, state: ended({ verb: 'unload-any', ...result }, exitCode) },
      ],
    },
  });

  it('are made where something may be left, once, and hold the ended pod until they have answered [43] [52]', () => {
    const first = look({ nodes: [node], pods: [left] });
    assert.deepEqual([namesOf(first.plan.unload), first.plan.release, first.plan.finalizer], [['n1'], [], true]);
    const unloaded = made(endedWith({ result: 'Unloaded', boot: 'boot-of-n1' }, 0, 'Succeeded'));
    const after = look({ nodes: [node], pods: [left, unloaded] });
    assert.deepEqual(namesOf(after.plan.release), ['n1']);
    assert.deepEqual(after.plan.dismiss, [unloaded]);
  });

  it('stay until the record of what they unloaded is off the node, and the ended pod with them', () => {
    const recorded = { ...servingNode('n1'), metadata: { ...servingNode('n1').metadata, labels: {} } };
    const unloaded = made(endedWith({ result: 'Unloaded', boot: 'boot-of-n1' }, 0, 'Succeeded'));
    const { plan } = look({ nodes: [recorded], pods: [left, unloaded] });
    assert.deepEqual([plan.release, plan.unload, plan.dismiss], [[], [], []]);
    const later = look({ nodes: [node], pods: [left, unloaded] });
    assert.deepEqual([namesOf(later.plan.release), later.plan.dismiss], [['n1'], [unloaded]]);
  });

  it('answer by a look when there is nothing to unload, though their image cannot be pulled', () => {
    const looked = (result: string) =>
      made({
        status: {
          initContainerStatuses: [{ name: 'tools', state: ended({ verb: 'look', result, boot: 'boot-of-n1' }, 0) }],
          containerStatuses: [{ name: 'module-loader', state: { waiting: { reason: 'ImagePullBackOff' } } }],
        },
      });
    assert.deepEqual(namesOf(look({ nodes: [node], pods: [left, looked('NothingToDo')] }).plan.release), ['n1']);
    assert.deepEqual(look({ nodes: [node], pods: [left, looked('Held')] }).plan.release, []);
  });

  it('are not made on a node that is only closed to new pods, which the ended pod remembers for', () => {
    const closed = buildNode('n1', { taints: [{ key: 'a', effect: 'NoSchedule' }] });
    const { plan } = look({ nodes: [closed], pods: [left] });
    assert.deepEqual([plan.unload, plan.release, plan.finalizer], [[], [], true]);
  });

  it('are not made where a mapping cannot be resolved, whose loaders stay as they are', () => {
    const module = buildModule();
    module.spec.moduleLoader!.container.kernelMappings = [
      { regexp: '.', containerImage: 'example.com/simple:${KERNEL' },
    ];
    const { plan } = look({ module, nodes: [buildNode('n1')], pods: [left] });
    assert.deepEqual([plan.unload, namesOf(plan.release)], [[], ['n1']]);
  });

  it('are not made beside a loader that is still there', () => {
    const { plan } = look({ nodes: [node], pods: [left, servingLoader('n1', { uid: 'p2' })] });
    assert.deepEqual([plan.unload, plan.release], [[], []]);
  });

  it('are dismissed when the node is wanted again', () => {
    const running = made();
    const { plan } = look({ nodes: [buildNode('n1')], pods: [left, running] });
    assert.deepEqual([plan.unload, plan.dismiss, namesOf(plan.release)], [[], [running], ['n1']]);
  });

  it('are made anew, not at once, when their kubelet gave them up', () => {
    const rejected = made({ status: { phase: 'Failed', reason: 'Evicted', message: 'no room' } });
    const { plan, status } = look({ nodes: [node], pods: [left, rejected] });
    assert.deepEqual(plan.dismiss, [rejected]);
    assert.equal(JSON.parse(status?.report ?? '').errors[0].reason, 'Evicted');
    const young = { ...rejected, metadata: { ...rejected.metadata, creationTimestamp: '2025-12-31T23:59:40Z' } };
    assert.deepEqual(look({ nodes: [node], pods: [left, young] }).plan.dismiss, []);
  });

  it('answer only for the pod that they were made for', () => {
    const other = made(endedWith({ result: 'Unloaded', boot: 'boot-of-n1' }, 0, 'Succeeded'), 'earlier');
    const { plan } = look({ nodes: [node], pods: [left, other] });
    assert.deepEqual([plan.release, plan.dismiss], [[], [other]]);
  });

  it('are all that a Module waits for, even one that somebody took away by force', () => {
    const { plan } = look({ module: undefined, nodes: [node], pods: [left] });
    assert.deepEqual(namesOf(plan.unload), ['n1']);
  });
});

describe('a Module that is being deleted', () => {
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const module = buildModule({}, { deletionTimestamp, finalizers: ['kmm.node.kubernetes.io/module-finalizer'] });
  const daemonSets = [ownedDaemonSet()];
  const discards = (nodes: Parameters<typeof look>[0]['nodes'], pods: Pod[]) =>
    look({ module, nodes: nodes!, pods, daemonSets }).plan.discard.length;

  it('keeps its loaders until all labels are off and all plugins are gone [42] [100]', () => {
    assert.equal(discards([servingNode('n1'), buildNode('n2')], [servingLoader('n1'), servingLoader('n2')]), 0);
    assert.equal(
      discards([buildNode('n1'), buildNode('n2')], [servingLoader('n1'), buildPlugin('n2', { deleted: true })]),
      0,
    );
    assert.equal(discards([buildNode('n1'), buildNode('n2')], [servingLoader('n1'), servingLoader('n2')]), 1);
  });

  it('does not wait for the plugin of a node that cannot tell', () => {
    assert.equal(
      discards([servingNode('n1', { ready: false })], [servingLoader('n1'), buildPlugin('n1', { deleted: true })]),
      1,
    );
  });

  it('stays until the last pod that may hold the kernel module has been read [43]', () => {
    const nodes = [buildNode('n1')];
    assert.equal(look({ module, nodes, daemonSets }).plan.finalizer, true);
    assert.equal(look({ module, nodes, pods: [buildLoader('n1', { deleted: true })] }).plan.finalizer, true);
    assert.equal(look({ module, nodes }).plan.finalizer, false);
  });
});

describe('a DaemonSet of our name or label that is not ours', () => {
  it('is never deleted', () => {
    const { ownerReferences: _, ...metadata } = ownedDaemonSet(buildModule(), kernelB).metadata;
    const owner = { apiVersion: 'v1', kind: 'Other', name: 'x', uid: 'x', controller: true };
    const foreign = { ...ownedDaemonSet(buildModule(), kernelB), metadata: { ...metadata, ownerReferences: [owner] } };
    assert.deepEqual(look({ nodes: [buildNode('n1')], daemonSets: [foreign] }).plan.discard, []);
  });
});
