import assert from 'node:assert/strict';
import fc from 'fast-check';
import { annotations } from '../../shared/kube/names.ts';
import { buildLoader, buildNode, ended, type LoaderOptions } from '../testing/builders.ts';
import { type LeftBehind, leftBehind } from './outcome.ts';
import { parseResult } from './script-result.ts';

const present = 'boot-of-n1';
const module = { namespace: 'modules', name: 'simple' };
const deletedAtMs = Date.parse('2026-01-01T00:00:00Z');
const unloaded = { verb: 'unload', result: 'Unloaded', boot: present };
const waiting = { waiting: { reason: 'ImagePullBackOff' } };
const lost = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } as NonNullable<
  LoaderOptions['status']
>['state'] &
  object;

function judge(options: LoaderOptions, rest: { node?: ReturnType<typeof buildNode>; nowMs?: number } = {}): LeftBehind {
  const pod = buildLoader('n1', { deleted: true, ...options });
  const { nowMs = deletedAtMs } = rest;
  return leftBehind({ pod, node: 'node' in rest ? rest.node : buildNode('n1'), module, nowMs });
}

const recorded = (boot: string, container = 'ended') =>
  buildNode('n1', {
    annotations: { [annotations.loadedBoots]: JSON.stringify({ 'modules.simple': { container, boot } }) },
  });

describe('what an ended loader pod leaves in the kernel', () => {
  const table: { title: string; options: LoaderOptions; expected: LeftBehind }[] = [
    {
      title: 'nothing after an unload under the present boot',
      options: { status: { state: ended(unloaded, 0) } },
      expected: 'nothing',
    },
    {
      title: 'nothing after an unload that found nothing whatever the hash',
      options: { final: true, status: { state: ended({ ...unloaded, verb: 'unload-any', result: 'NothingToDo' }, 0) } },
      expected: 'nothing',
    },
    {
      title: 'maybe something when preStop found another load hash than its own',
      options: { final: true, status: { state: ended({ ...unloaded, result: 'NothingToDo' }, 0) } },
      expected: 'maybe',
    },
    {
      title: 'maybe something when the module was in use [206]',
      options: {
        final: true,
        status: { state: ended({ verb: 'unload', result: 'Failed', reason: 'ModuleInUse', boot: present }) },
      },
      expected: 'maybe',
    },
    {
      title: 'nothing when it ran under another boot',
      options: {
        final: true,
        sandboxBoot: 'old',
        status: { state: ended({ verb: 'run', result: 'Loaded', boot: 'old' }) },
      },
      expected: 'nothing',
    },
    {
      title: 'nothing when it only ever found another kernel under the present boot',
      options: {
        final: true,
        status: { state: ended({ verb: 'run', result: 'Failed', reason: 'OtherKernel', boot: present }) },
      },
      expected: 'nothing',
    },
    {
      title: 'maybe something when its container was killed without a word',
      options: {
        final: true,
        status: { state: { terminated: { exitCode: 137 } } } as LoaderOptions['status'] & object,
      },
      expected: 'maybe',
    },
    {
      title: 'nothing when no container of it ever started',
      options: { final: true, status: { state: waiting, containerID: '' } },
      expected: 'nothing',
    },
    {
      title: 'nothing when kubelet calls a container lost that it never started',
      options: { final: true, phase: 'Failed', status: { state: lost, containerID: '' } },
      expected: 'nothing',
    },
    {
      title: 'maybe something when kubelet lost a container that had run',
      options: { final: true, phase: 'Failed', status: { state: lost, lastState: lost, containerID: '' } },
      expected: 'maybe',
    },
    { title: 'unsettled while its container runs', options: {}, expected: 'unsettled' },
    {
      title: 'unsettled while its container may still be started',
      options: { status: { state: waiting, containerID: '' } },
      expected: 'unsettled',
    },
    {
      title: 'unsettled while it waits in CrashLoopBackOff for a kubelet that has not seen the deletion',
      options: {
        status: {
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: ended({ verb: 'run', result: 'Failed', reason: 'Busy', boot: 'old' }),
        },
      },
      expected: 'unsettled',
    },
  ];
  for (const { title, options, expected } of table) it(`is ${title}`, () => assert.equal(judge(options), expected));

  it('is nothing on a node that is gone', () => assert.equal(judge({}, { node: undefined }), 'nothing'));

  it('is judged as it stands when no final word came long after its grace period', () => {
    const options = { status: { state: waiting, containerID: '' } };
    assert.equal(judge(options, { nowMs: deletedAtMs + 60_001 }), 'nothing');
    assert.equal(judge({}, { nowMs: deletedAtMs + 3_600_000 }), 'unsettled');
  });

  it('is unsettled on a node that is cut off: its kubelet may have started what no status shows', () => {
    const node = buildNode('n1', { ready: false });
    const options = { sandboxBoot: null, phase: 'Pending', status: { state: waiting, containerID: '' } };
    const nowMs = deletedAtMs + 3_600_000;
    assert.equal(judge(options, { node, nowMs }), 'unsettled');
    assert.equal(judge({ ...options, final: true }, { node, nowMs }), 'unsettled', 'taken away by force');
  });

  it('is maybe something when kubelet wiped the statuses of a pod that we know had started', () => {
    const options = { phase: 'Failed', status: { state: {}, containerID: '' } };
    assert.equal(judge(options, { node: recorded(present) }), 'maybe');
    assert.equal(judge(options, { node: recorded('old') }), 'nothing');
  });

  it('is judged by our own record when the container lost its message', () => {
    const state = { terminated: { exitCode: 137, containerID: 'c9' } } as NonNullable<
      LoaderOptions['status']
    >['state'] &
      object;
    const options: LoaderOptions = { final: true, sandboxBoot: null, status: { state } };
    assert.equal(judge(options, { node: recorded('old', 'c9') }), 'nothing');
    assert.equal(judge(options, { node: recorded(present, 'c9') }), 'maybe');
  });

  it('is never said to be nothing without one of the proofs', () => {
    const results = fc.record({
      verb: fc.constantFrom('run', 'unload', 'unload-any', 'look', 'ready', ''),
      result: fc.constantFrom('Loaded', 'Unloaded', 'NothingToDo', 'Failed', 'Surprise'),
      reason: fc.constantFrom('', 'ModuleInUse', 'OtherKernel', 'Busy', 'ModprobeFailed'),
      boot: fc.constantFrom(present, 'old', ''),
    });
    fc.assert(
      fc.property(results, fc.constantFrom(present, 'old', null), (result, sandboxBoot) => {
        const left = judge({ final: true, sandboxBoot, status: { state: ended(result) } });
        const otherBoot = (result.boot || sandboxBoot || present) !== present;
        const proof =
          result.boot === present &&
          ((result.result === 'Unloaded' && result.verb.startsWith('unload')) ||
            (result.result === 'NothingToDo' && ['unload-any', 'look'].includes(result.verb)) ||
            (result.result === 'Failed' && result.reason === 'OtherKernel'));
        assert.equal(left, otherBoot || proof ? 'nothing' : 'maybe');
      }),
    );
  });
});

describe('a termination message', () => {
  it('is read with its users as a list or as words', () => {
    assert.deepEqual(parseResult('{"result":"Failed","holders":["a","b"]}\n')?.holders, ['a', 'b']);
    assert.deepEqual(parseResult('{"result":"Failed","holders":"a b"}')?.holders, ['a', 'b']);
  });

  it('may be anything and breaks nothing', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseResult(text)));
    for (const text of [undefined, '', 'Killed', '{', '[]', 'null', '{"result":1}']) {
      assert.equal(parseResult(text), undefined);
    }
  });
});
