import assert from 'node:assert/strict';
import type { ManagedClusterModule, ManagedClusterModuleSpec } from '@open-cluster-management/api-types';
import { finalizers } from '../../shared/kube/names.ts';
import { moduleSpec, spokeNamespace } from '../testing/pictures.ts';
import { viewModule } from './module-view.ts';

function module(spec: Partial<ManagedClusterModuleSpec>, name = 'm'): ManagedClusterModule {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name, uid: 'u', generation: 3 },
    spec: { selector: {}, spokeNamespace, moduleSpec: moduleSpec(), ...spec },
  };
}

describe('a ManagedClusterModule', () => {
  it('that is as it should be has a version, and holds nothing up', () => {
    const view = viewModule(module({}));
    assert.deepEqual(view.problems, []);
    assert.equal(view.hold, undefined);
    assert.match(view.wanted?.revision ?? '', /^m-[0-9a-f]{16}$/);
    assert.deepEqual([view.imageCheck, view.minSuccessMs, view.deadlineMs], ['Required', 0, undefined]);
  });

  it('that got in invalid has every problem named with its field, and ships nothing new', () => {
    const wrong = { spokeNamespace: 7, moduleSpec: { ...moduleSpec(), selector: { a: 1 } } };
    const view = viewModule(module(wrong as unknown as Partial<ManagedClusterModuleSpec>, 'x'.repeat(64)));
    assert.equal(view.wanted, undefined);
    assert.equal(view.hold?.reason, 'InvalidSpec');
    assert.equal(view.spokeNamespace, '');
    const [problem] = view.problems;
    for (const field of ['metadata.name', 'spec.spokeNamespace', 'spec.moduleSpec.selector.a']) {
      assert.ok(problem?.message.includes(field), `${field} in ${problem?.message}`);
    }
  });

  it('whose Module no cluster could have is invalid: without namespace, or too long for the labels of nodes', () => {
    assert.match(viewModule(module({ spokeNamespace: '' })).hold?.message ?? '', /spec\.spokeNamespace: expected/);
    const [name, longer] = ['x'.repeat(21), 'x'.repeat(22)];
    assert.equal(viewModule(module({ spokeNamespace: 'n'.repeat(20) }, name)).hold, undefined);
    assert.match(viewModule(module({ spokeNamespace: 'n'.repeat(20) }, longer)).hold?.message ?? '', /41 characters/);
  });

  it('with durations that are no text is invalid, and breaks nothing', () => {
    for (const rollout of [{ minSuccessTime: 0 }, { minSuccessTime: ['5m'] }, { progressDeadline: 60 }]) {
      const { hold, minSuccessMs, deadlineMs } = viewModule(module({ rollout } as never));
      assert.deepEqual([hold?.reason, minSuccessMs, deadlineMs], ['InvalidSpec', 0, undefined]);
    }
  });

  it('without spec or moduleSpec is invalid, and breaks nothing', () => {
    assert.equal(
      viewModule({ ...module({}), spec: undefined as unknown as ManagedClusterModuleSpec }).hold?.reason,
      'InvalidSpec',
    );
    const { moduleSpec: _, ...rest } = module({}).spec;
    assert.match(viewModule({ ...module({}), spec: rest }).problems[0]?.message ?? '', /moduleSpec/);
  });

  for (const type of ['Progressive', 'ProgressivePerGroup'] as const) {
    it(`with rollout type ${type} goes in waves`, () => {
      const { hold, problems, waves } = viewModule(module({ rollout: { type } }));
      assert.deepEqual([hold, problems, waves?.perGroup], [undefined, [], type === 'ProgressivePerGroup']);
    });
  }

  it('reads the kernels that nodes will boot, and names what is none', () => {
    const upcomingKernels = [{ kernelVersion: '6.1.0-9+' }, { kernelVersion: '../etc' }];
    const { upcoming, problems, hold } = viewModule(module({ upcomingKernels }));
    assert.deepEqual([upcoming, hold], [[{ kernel: '6.1.0-9', selector: {} }], undefined]);
    assert.match(problems[0]?.message ?? '', /upcomingKernels\[1\]\.kernelVersion: expected .* got "\.\.\/etc"/);
  });

  it('that is paused starts nobody', () => {
    assert.equal(viewModule(module({ rollout: { paused: true } })).hold?.reason, 'Paused');
  });

  it('reads durations; a deadline of None or 0 is none', () => {
    const rollout = { minSuccessTime: '1m30s', progressDeadline: '1h' };
    const view = viewModule(module({ rollout }));
    assert.deepEqual([view.minSuccessMs, view.deadlineMs], [90_000, 3_600_000]);
    for (const progressDeadline of ['None', '0']) {
      assert.equal(viewModule(module({ rollout: { progressDeadline } })).deadlineMs, undefined);
    }
  });

  it('that leaves its Modules behind has works without an owner once it cannot go before them', () => {
    const orphan = module({ deletionPolicy: 'Orphan' });
    assert.equal(viewModule(orphan).worksOwner?.uid, orphan.metadata.uid);
    const held = { ...orphan, metadata: { ...orphan.metadata, finalizers: [finalizers.orphan] } };
    assert.equal(viewModule(held).worksOwner, undefined);
    const again = { ...held, spec: { ...held.spec, deletionPolicy: 'Delete' as const } };
    assert.equal(viewModule(again).worksOwner?.uid, orphan.metadata.uid);
  });
});
