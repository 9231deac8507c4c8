import assert from 'node:assert/strict';
import { type ContainerFacts, podPlan } from './pod-plan.ts';

const nowMs = 1_000;

function main(overrides: Partial<ContainerFacts> = {}): ContainerFacts {
  return { name: 'main', kind: 'main', state: 'absent', old: false, notBeforeMs: 0, ...overrides };
}
const init = (overrides: Partial<ContainerFacts> = {}) => main({ name: 'init', kind: 'init', ...overrides });
const ended = (exitCode: number, more: Partial<ContainerFacts> = {}) =>
  ({ state: 'ended', exitCode, ...more }) as const;

describe('What kubelet starts next', () => {
  const table: [string, string, ContainerFacts[], string[]][] = [
    ['the first init container', 'Always', [init(), main()], ['init']],
    ['nothing while it is being started', 'Always', [init({ state: 'starting' }), main()], []],
    ['nothing while it runs', 'Always', [init({ state: 'running' }), main()], []],
    ['the next init container', 'Always', [init(ended(0)), init({ name: 'second' }), main()], ['second']],
    ['all main containers after it', 'Always', [init(ended(0)), main(), main({ name: 'b' })], ['main', 'b']],
    ['a failed init container again', 'OnFailure', [init(ended(1)), main()], ['init']],
    ['no failed init container under Never', 'Never', [init(ended(1)), main()], []],
    ['an ended container under Always', 'Always', [main(ended(0))], ['main']],
    ['no succeeded one under OnFailure', 'OnFailure', [main(ended(0))], []],
    ['a failed one under OnFailure', 'OnFailure', [main(ended(1))], ['main']],
    ['no failed one under Never', 'Never', [main(ended(1))], []],
    ['only main containers when the pod had begun', 'Always', [init(ended(0)), main(ended(1))], ['main']],
    [
      'init containers first after a reboot',
      'Always',
      [init(ended(0, { old: true })), main(ended(255, { old: true }))],
      ['init'],
    ],
    [
      'nothing after a reboot when all succeeded',
      'OnFailure',
      [init(ended(0, { old: true })), main(ended(0, { old: true }))],
      [],
    ],
    [
      'nothing after a reboot under Never',
      'Never',
      [init(ended(0, { old: true })), main(ended(255, { old: true }))],
      [],
    ],
  ];
  for (const [what, policy, facts, expected] of table) {
    it(`is ${what}`, () => assert.deepEqual(podPlan(policy, facts, nowMs).start, expected));
  }

  it('waits for the end of a back-off, and says until when', () => {
    const waiting = main({ ...ended(1), notBeforeMs: 5_000 });
    assert.deepEqual(podPlan('Always', [waiting], nowMs), { start: [], backOff: ['main'], wakeAtMs: 5_000 });
    assert.deepEqual(podPlan('Always', [waiting], 5_000).start, ['main']);
  });

  it('does not call a start that failed a crash loop', () => {
    assert.deepEqual(podPlan('Always', [main({ notBeforeMs: 5_000 })], nowMs), {
      start: [],
      backOff: [],
      wakeAtMs: 5_000,
    });
  });
});
