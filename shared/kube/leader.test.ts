import assert from 'node:assert/strict';
import { fakeClient } from '../testing/fake-client.ts';
import { testRuntime } from '../testing/runtime.ts';
import { settle, VirtualClock } from '../testing/virtual-clock.ts';
import { KubeError } from './errors.ts';
import { type LeaderElection, startLeaderElection } from './leader.ts';
import type { Lease } from './object.ts';

/** A server of one lease, with optimistic concurrency, that can be cut off. */
class LeaseServer {
  lease: Lease | undefined;
  writes = 0;
  failing = false;
  /** While set, requests of this holder hang. */
  hanging: Promise<void> | undefined;

  clientOf() {
    return fakeClient({
      get: async () => {
        await this.#reach();
        return structuredClone(this.lease) as never;
      },
      create: (_resource, object) => this.#write(object as unknown as Lease, undefined) as Promise<never>,
      replace: (_resource, object) =>
        this.#write(object as unknown as Lease, object.metadata.resourceVersion) as Promise<never>,
    });
  }

  async #reach(): Promise<void> {
    await this.hanging;
    if (this.failing) throw new KubeError(0, 'ConnectionFailed', 'cut off');
  }

  async #write(lease: Lease, version: string | undefined): Promise<Lease> {
    await this.#reach();
    if (this.lease?.metadata.resourceVersion !== version) throw new KubeError(409, 'Conflict', 'modified');
    this.writes += 1;
    const metadata = { ...lease.metadata, uid: 'u', resourceVersion: String(this.writes) };
    this.lease = { ...lease, metadata };
    return structuredClone(this.lease);
  }
}

interface Replica {
  election: LeaderElection;
  leading: () => boolean;
  lost: string[];
}

function join(server: LeaseServer, identity: string, clock?: VirtualClock): Replica & { clock: VirtualClock } {
  const made = testRuntime(clock === undefined ? {} : { clock });
  const lost: string[] = [];
  const election = startLeaderElection({
    client: server.clientOf(),
    namespace: 'n',
    name: 'kmm',
    identity,
    runtime: made.runtime,
    onLost: (why) => lost.push(why),
  });
  let leading = false;
  void election.whenLeading.then(() => {
    leading = true;
  });
  return { election, leading: () => leading, lost, clock: clock ?? made.clock };
}

describe('leader election', () => {
  it('[197] lets exactly one of several replicas lead, and the others stand by', async () => {
    const server = new LeaseServer();
    const first = join(server, 'a');
    await first.clock.advance(0);
    const others = ['b', 'c'].map((identity) => join(server, identity, first.clock));
    await first.clock.advance(120_000);
    assert.deepEqual(
      [first, ...others].map((replica) => replica.leading()),
      [true, false, false],
    );
    assert.deepEqual(
      others.map(({ election }) => election.standby),
      [true, true],
    );
    assert.equal(first.election.standby, false);
    assert.deepEqual(first.lost, []);
    assert.equal(server.lease?.spec?.leaseTransitions, 0);
    await Promise.all([first, ...others].map(({ election }) => election.stop()));
    assert.equal(first.clock.pending, 0);
  });

  const late: Record<string, (clock: VirtualClock, ms: number) => void> = {
    'the process stood still': (clock, ms) => clock.skip(ms),
    'the machine slept': (clock, ms) => clock.setForward(ms),
    'somebody set the clock back meanwhile': (clock, ms) => {
      clock.setBack(3_600_000);
      clock.skip(ms);
    },
  };
  for (const [how, wait] of Object.entries(late)) {
    it(`[197] holds no longer than the deadline, although no timer tells it: ${how}`, async () => {
      const { election, clock } = join(new LeaseServer(), 'a');
      assert.equal(election.holds, false);
      await election.whenLeading;
      wait(clock, 9_999);
      assert.equal(election.holds, true);
      wait(clock, 1);
      assert.equal(election.holds, false);
      await election.stop();
    });
  }

  it('[197] hands over at once when the leader ends, by giving the lease back', async () => {
    const server = new LeaseServer();
    const first = join(server, 'a');
    await first.clock.advance(0);
    const second = join(server, 'b', first.clock);
    await first.clock.advance(30_000);
    await first.election.stop();
    assert.equal(server.lease?.spec?.holderIdentity, '');
    await first.clock.advance(2_500);
    assert.equal(second.leading(), true);
    assert.equal(server.lease?.spec?.holderIdentity, 'b');
    assert.equal(server.lease?.spec?.leaseTransitions, 1);
    assert.deepEqual(first.lost, []);
    await second.election.stop();
  });

  it('[197] takes over from a leader that died only when its lease ran out', async () => {
    const dead = new LeaseServer();
    const first = join(dead, 'a');
    await first.clock.advance(0);
    const lease = structuredClone(dead.lease);
    await first.election.stop();
    const server = new LeaseServer();
    server.lease = lease;
    server.writes = 1;
    const second = join(server, 'b');
    await second.clock.advance(14_000);
    assert.equal(second.leading(), false);
    await second.clock.advance(4_000);
    assert.equal(second.leading(), true);
    await second.election.stop();
  });

  it('takes over in time also where somebody sets the clock back', async () => {
    const server = new LeaseServer();
    const dead = join(server, 'a');
    await dead.clock.advance(0);
    const second = join(server, 'b', new VirtualClock());
    await second.clock.advance(5_000);
    second.clock.setBack(3_600_000);
    await second.clock.advance(15_000);
    assert.equal(second.leading(), true);
  });

  it('takes no lease before its time where somebody sets the clock forward', async () => {
    const server = new LeaseServer();
    const first = join(server, 'a');
    await first.clock.advance(0);
    const second = join(server, 'b', new VirtualClock());
    await second.clock.advance(5_000);
    second.clock.setForward(3_600_000);
    await second.clock.advance(8_000);
    assert.equal(second.leading(), false);
    await second.clock.advance(10_000);
    assert.equal(second.leading(), true);
  });

  it('does not look at the clock of the node that holds the lease', async () => {
    const server = new LeaseServer();
    const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '1999-01-01T00:00:00.000000Z' };
    const metadata = { name: 'kmm', namespace: 'n', resourceVersion: '0' };
    server.lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    const second = join(server, 'b');
    await second.clock.advance(14_000);
    assert.equal(second.leading(), false);
    await second.election.stop();
  });

  it('is lost when the lease could not be renewed for 10 s, before anyone else may take it', async () => {
    const server = new LeaseServer();
    const { election, clock, lost, leading } = join(server, 'a');
    await clock.advance(4_000);
    assert.equal(leading(), true);
    server.failing = true;
    await clock.advance(9_900);
    assert.deepEqual(lost, []);
    await clock.advance(200);
    assert.deepEqual(lost, ['the lease could not be renewed in time']);
    await election.stop();
  });

  it('is lost in time even when a renewal hangs', async () => {
    const server = new LeaseServer();
    const { election, clock, lost } = join(server, 'a');
    await clock.advance(4_000);
    const hanging = Promise.withResolvers<void>();
    server.hanging = hanging.promise;
    await clock.advance(12_000);
    assert.equal(lost.length, 1);
    hanging.resolve();
    await election.stop();
    await clock.advance(60_000);
    assert.equal(lost.length, 1);
  });

  it('outlives short failures', async () => {
    const server = new LeaseServer();
    const { election, clock, lost } = join(server, 'a');
    await clock.advance(4_000);
    server.failing = true;
    await clock.advance(7_000);
    server.failing = false;
    await clock.advance(60_000);
    assert.deepEqual(lost, []);
    await election.stop();
  });

  it('goes on when its own lease was touched, and is lost when another took it', async () => {
    const server = new LeaseServer();
    const { election, clock, lost } = join(server, 'a');
    await clock.advance(4_000);
    server.lease!.metadata.resourceVersion = 'touched';
    await clock.advance(6_000);
    assert.deepEqual(lost, []);
    server.lease!.spec!.holderIdentity = 'b';
    server.lease!.metadata.resourceVersion = 'taken';
    await clock.advance(2_000);
    assert.deepEqual(lost, ['the lease is held by b']);
    const { writes } = server;
    await election.stop();
    assert.equal(server.writes, writes);
  });

  it('never leads once it was stopped', async () => {
    const server = new LeaseServer();
    const hanging = Promise.withResolvers<void>();
    server.hanging = hanging.promise;
    const { election, clock, leading } = join(server, 'a');
    const stopped = election.stop();
    hanging.resolve();
    await stopped;
    await clock.advance(60_000);
    await settle();
    assert.equal(leading(), false);
    assert.equal(server.writes, 0);
  });
});
