import assert from 'node:assert/strict';
import { UsageError } from './failures.ts';
import { readCommandLine } from './options.ts';

const commandOf = (text: string) => readCommandLine(text.split(' ')).command;

describe('the command line of kubectl kmm', () => {
  it('reads each command, and whose API server is asked', () => {
    assert.deepEqual(
      readCommandLine(['status', 'nic', '-o', 'wide', '-w', '--kubeconfig', 'k', '--context', 'c', '-n', 'hub']),
      {
        command: {
          kind: 'status',
          module: 'nic',
          output: 'wide',
          watch: true,
          cluster: undefined,
          state: undefined,
          kernel: undefined,
        },
        connection: { kubeconfig: 'k', context: 'c', namespace: 'hub' },
      },
    );
    assert.deepEqual(commandOf('explain nic berlin -o json'), {
      kind: 'explain',
      module: 'nic',
      cluster: 'berlin',
      output: 'json',
    });
    assert.deepEqual(commandOf('plan -f -'), { kind: 'plan', file: '-', output: 'table' });
    assert.deepEqual(commandOf('preflight --kernel 6.1.0+'), {
      kind: 'preflight',
      kernel: '6.1.0',
      module: undefined,
      output: 'table',
    });
    assert.deepEqual(commandOf('rollout pause nic'), { kind: 'rollout', action: 'pause', module: 'nic' });
    assert.deepEqual(commandOf('rollout undo nic --to-revision nic-1 -y'), {
      kind: 'rollout',
      action: 'undo',
      module: 'nic',
      toRevision: 'nic-1',
      yes: true,
    });
    assert.equal(readCommandLine([]).command.kind, 'help');
    assert.equal(commandOf('plan --help').kind, 'help');
  });

  for (const [text, expected] of [
    [
      '--context c status',
      /expected one of the commands status, explain, plan, preflight, rollout first, got "--context"/,
    ],
    ['constructor', /expected one of the commands/],
    ['status a b', /expected 0 to 1 arguments, got "a" "b"/],
    ['status -o name', /expected -o table, wide, json or yaml, got "name"/],
    ['status --watch -o json', /expected --watch with a table, got -o json/],
    ['status --state fine', /expected --state Loaded, .*got "fine"/],
    ['status --kernel ../x', /expected a kernel version as uname -r prints it, got "..\/x"/],
    ['explain nic b -o wide', /expected -o table, json or yaml, got "wide"/],
    ['rollout nic pause', /expected pause, resume or undo, got "nic"/],
    ['rollout pause nic --yes', /expected --to-revision and --yes with undo, got them with pause/],
    ['plan nic', /expected 0 arguments, got "nic"/],
    ['plan', /expected -f FILE, got none/],
  ] as const) {
    it(`refuses "${text}" with what was expected, and the usage`, () => {
      assert.throws(
        () => commandOf(text),
        (error) => error instanceof UsageError && expected.test(error.message),
      );
    });
  }
});
