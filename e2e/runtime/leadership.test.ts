import assert from 'node:assert/strict';
import { type LeaderElection, startLeaderElection } from '../../shared/kube/leader.ts';
import { leases } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

const name = 'kmm.sigs.x-k8s.io';

describe('leadership against an API server', () => {
  let plane: Plane;
  beforeEach(async () => {
    plane = await startPlane();
  });
  afterEach(() => plane.stop());

  function replica(identity: string): {
    election: LeaderElection;
    leads: () => boolean;
    lost: string[];
    cut(): Promise<void>;
  } {
    const client = plane.connect({ requestTimeoutMs: 2_000 });
    const lost: string[] = [];
    const onLost = (why: string) => void lost.push(why);
    const { runtime } = plane;
    const election = startLeaderElection({ client, namespace: 'default', name, identity, runtime, onLost });
    let leads = false;
    void election.whenLeading.then(() => {
      leads = true;
    });
    return { election, leads: () => leads, lost, cut: () => client.close() };
  }
  const holder = async () => (await plane.client.get(leases, { namespace: 'default', name }))?.spec?.holderIdentity;

  it('[197] is with one of two replicas, and with the other as soon as the first gives it back', async () => {
    const first = replica('a');
    await first.election.whenLeading;
    const second = replica('b');
    await eventually('b standing by', () => second.election.standby);
    assert.equal(second.leads(), false);
    assert.equal(await holder(), 'a');
    await first.election.stop();
    await second.election.whenLeading;
    assert.equal(await holder(), 'b');
    assert.deepEqual(first.lost, []);
    await second.election.stop();
    assert.equal(await holder(), '');
  });

  it('[197] is lost by a leader that is cut off before another has it', async () => {
    const first = replica('a');
    await first.election.whenLeading;
    const second = replica('b');
    await first.cut();
    await second.election.whenLeading;
    assert.deepEqual(first.lost, ['the lease could not be renewed in time']);
    await Promise.all([first.election.stop(), second.election.stop()]);
  });
});
