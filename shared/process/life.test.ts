import assert from 'node:assert/strict';
import type { LeaderElection } from '../kube/leader.ts';
import { testRuntime } from '../testing/runtime.ts';
import { settle } from '../testing/virtual-clock.ts';
import { Life } from './life.ts';

function harness(running: Promise<void>, stop: () => Promise<void> = () => Promise.resolve()) {
  const { clock, lines, runtime } = testRuntime();
  const listeners: ((signal: string) => void)[] = [];
  const onTermination = (listener: (signal: string) => void) => {
    listeners.push(listener);
    return () => undefined;
  };
  const life = new Life(runtime, {
    onTermination,
    arguments: [],
    environment: {},
    hostname: 'h',
    say: () => undefined,
    keepAlive: () => () => undefined,
  });
  life.election = { standby: false, holds: true, whenLeading: Promise.resolve(), stop } satisfies LeaderElection;
  life.running = { synced: () => true, stopped: running };
  return { life, clock, lines, terminate: () => listeners[0]?.('SIGTERM') };
}

describe('the life of a process', () => {
  it('[197] gives the lease back only after the last work ended', async () => {
    const order: string[] = [];
    const work = Promise.withResolvers<void>();
    const { life, terminate } = harness(
      work.promise.then(() => void order.push('work')),
      async () => void order.push('lease'),
    );
    const code = life.untilEnd();
    terminate();
    await settle();
    assert.deepEqual(order, []);
    assert.deepEqual(life.notReady(), ['ending']);
    work.resolve();
    assert.equal(await code, 0);
    assert.deepEqual(order, ['work', 'lease']);
  });

  it('[198] ends within 10 s of SIGTERM, whatever hangs', async () => {
    const never = new Promise<void>(() => undefined);
    const { life, clock, lines, terminate } = harness(never, () => never);
    let code: number | undefined;
    void life.untilEnd().then((value) => {
      code = value;
    });
    terminate();
    await clock.advance(8_900);
    assert.equal(code, undefined);
    await clock.advance(1_000);
    assert.equal(code, 0);
    assert.equal(lines.at(-1)?.text, 'ended without waiting longer');
  });

  it('[197] writes only while nobody else may lead', () => {
    const { life } = harness(Promise.resolve());
    assert.equal(life.mayWrite, true);
    life.lose('deadline');
    assert.equal(life.mayWrite, false);
    const other = harness(Promise.resolve()).life;
    other.election = { standby: false, holds: false, whenLeading: Promise.resolve(), stop: () => Promise.resolve() };
    assert.equal(other.mayWrite, false);
  });

  it('waits for nothing when another may lead', async () => {
    const { life } = harness(new Promise(() => undefined));
    life.lose('taken');
    assert.equal(await life.untilEnd(), 1);
    assert.equal(life.signal.aborted, true);
  });

  it('fails when its work fails, or ends by itself', async () => {
    await assert.rejects(harness(Promise.reject(new Error('broken'))).life.untilEnd(), /broken/);
    await assert.rejects(harness(Promise.resolve()).life.untilEnd(), /ended by itself/);
  });
});
