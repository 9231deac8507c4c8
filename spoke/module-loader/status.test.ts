import assert from 'node:assert/strict';
import type { DevicePlugin } from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import type { Pod } from '../../shared/kube/object.ts';
import { buildModule, buildNode, buildPlugin } from '../testing/builders.ts';
import { look, servingLoader, servingNode } from '../testing/picture.ts';

const devicePlugin = { container: { image: 'example.com/plugin:1' } } as DevicePlugin;
const readyOf = (status: ReturnType<typeof look>['status']) => status?.conditions?.find(({ type }) => type === 'Ready');

/** A plugin pod of the template that `module` asks for. */
function currentPlugin(node: string, module: ReturnType<typeof buildModule>): Pod {
  const hash = look({ module }).plugin.final?.spec.template.metadata?.annotations?.[annotations.templateHash];
  return buildPlugin(node, hash === undefined ? {} : { hash });
}

describe('the status of a Module', () => {
  it('counts nodes that match, should have it, and have it as the spec says [105] [106]', () => {
    const nodes = [servingNode('n1'), servingNode('n2'), buildNode('n3'), servingNode('n4', { ready: false })];
    const pods = [
      servingLoader('n1'),
      servingLoader('n2', { hash: 'earlier' }),
      servingLoader('n3'),
      servingLoader('n4'),
    ];
    const { status } = look({ nodes, pods });
    assert.deepEqual(status?.moduleLoader, { nodesMatchingSelectorNumber: 4, desiredNumber: 4, availableNumber: 1 });
    assert.deepEqual(JSON.parse(status?.report ?? '').nodes, [4, 1, 0, 1]);
    const { desired, loaded, failed, unreachable } = status?.kernels?.[0] ?? {};
    assert.deepEqual([desired, loaded, failed, unreachable], [4, 1, 0, 1]);
  });

  it('counts a node that is not Ready as desired and unreachable, whatever taints Kubernetes gives it for that', () => {
    for (const key of ['not-ready', 'unreachable']) {
      const taints = ['NoSchedule', 'NoExecute'].map((effect) => ({ key: `node.kubernetes.io/${key}`, effect }));
      const nodes = [servingNode('n1', { ready: false, taints }), servingNode('n2')];
      const { status } = look({ nodes, pods: [servingLoader('n1', { ready: false }), servingLoader('n2')] });
      assert.deepEqual(JSON.parse(status?.report ?? '').nodes, [2, 1, 0, 1]);
    }
  });

  it('does not name the kernel of a node that is just joining and has told of none', () => {
    const { status } = look({ nodes: [servingNode('n1'), buildNode('n2', { release: '' })] });
    assert.deepEqual(JSON.parse(status?.report ?? '').unmapped, undefined);
  });

  it('carries the hub’s state only when the hub gave one, with the generation that it was computed from', () => {
    const plain = look({ module: buildModule({}, { generation: 7 }) }).status;
    assert.equal(plain?.observedGeneration, 7);
    assert.ok(!('observedState' in plain!));
    const shipped = buildModule({}, { annotations: { [annotations.hubState]: '0123456789abcdef' } });
    assert.equal(look({ module: shipped }).status?.observedState, '0123456789abcdef');
  });

  it('is Ready when every reachable node has everything, and names the silence of the others', () => {
    const module = buildModule({ devicePlugin });
    const nodes = [servingNode('n1'), servingNode('n2', { ready: false })];
    const pods = [servingLoader('n1'), servingLoader('n2')];
    const waiting = look({ module, nodes, pods }).status;
    assert.equal(readyOf(waiting)?.reason, 'DevicePluginNotReady');
    const { status } = look({ module, nodes, pods: [...pods, currentPlugin('n1', module)] });
    assert.equal(readyOf(status)?.status, 'True');
    assert.match(readyOf(status)?.message ?? '', /1 of 2 nodes loaded; 1 are not Ready/);
    assert.deepEqual(status?.devicePlugin, { nodesMatchingSelectorNumber: 2, desiredNumber: 2, availableNumber: 1 });
  });

  it('does not count a plugin of an earlier template [106]', () => {
    const module = buildModule({ devicePlugin });
    const { status } = look({
      module,
      nodes: [servingNode('n1')],
      pods: [servingLoader('n1'), buildPlugin('n1', { hash: 'earlier' })],
    });
    assert.equal(status?.devicePlugin?.availableNumber, 0);
  });

  it('has only the plugin’s counts without a loader, and no counts of a section that is gone [51] [107]', () => {
    const { moduleLoader: _, ...spec } = buildModule({ devicePlugin }).spec;
    const module = { ...buildModule(), spec };
    const nodes = [buildNode('n1'), buildNode('n2', { ready: false })];
    const { status } = look({ module, nodes, pods: [currentPlugin('n1', module)] });
    assert.deepEqual(status?.devicePlugin, { nodesMatchingSelectorNumber: 2, desiredNumber: 1, availableNumber: 1 });
    assert.ok(!('moduleLoader' in status!) && !('kernels' in status!));
    assert.equal(readyOf(status)?.status, 'True');
    assert.ok(!('devicePlugin' in look({}).status!));
  });

  it('has nothing to do where no node is selected', () => {
    const { status } = look({});
    assert.deepEqual([readyOf(status)?.status, readyOf(status)?.reason], ['True', 'NothingToDo']);
  });

  it('lists at most 32 kernels, those with the most nodes first', () => {
    const module = buildModule();
    module.spec.moduleLoader!.container.kernelMappings = [{ regexp: '.', containerImage: 'example.com/simple:1' }];
    const nodes = Array.from({ length: 40 }, (_, index) => buildNode(`n${index}`, { release: `6.1.0-${index}` }));
    const { status } = look({ module, nodes: [...nodes, buildNode('twin', { release: '6.1.0-39' })] });
    assert.equal(status?.kernels?.length, 32);
    assert.deepEqual([status?.kernels?.[0]?.kernelVersion, status?.kernels?.[0]?.desired], ['6.1.0-39', 2]);
  });

  it('keeps the time of a condition that did not change, so that nothing is written', () => {
    const first = look({ nowMs: 0 }).status!;
    const module = { ...buildModule(), status: first };
    assert.deepEqual(look({ module, nowMs: 3_600_000 }).status, first);
  });
});
