import assert from 'node:assert/strict';
import { scaledClock, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import type { Job, Pod } from '../../shared/kube/object.ts';
import { jobs, pods } from '../../shared/kube/resources.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { eventually } from '../world/eventually.ts';
import { type Fleet, hubNamespace, startFleet } from '../world/fleet/fleet.ts';

const timeFactor = 10;

describe('Jobs on the hub', () => {
  let fleet: Fleet;

  before(async () => {
    const clock = scaledClock(systemClock, timeFactor);
    const runtime = { clock, random: Math.random, log: silentLog, meters: silentMeters };
    fleet = await startFleet({ spokes: [], builder: true, runtime, timeFactor });
  });
  after(() => fleet.stop());

  /** The Job once it has ended, and its pod. */
  async function run(name: string, command: string[], podSpec: Partial<Pod['spec']> = {}): Promise<[Job, Pod]> {
    const { client } = fleet.hub;
    const container = { name: 'c', image: fleet.builderImage, command };
    await client.create(jobs, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: hubNamespace },
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ ...container, terminationMessagePolicy: 'FallbackToLogsOnError' }],
            ...podSpec,
          },
        },
      },
    });
    const job = await eventually(`Job ${name} has ended`, async () => {
      const present = await client.get(jobs, { namespace: hubNamespace, name });
      if (endOf(present)) return present;
      throw new Error(JSON.stringify(present?.status));
    });
    const { items } = await client.list(pods, { namespace: hubNamespace, labelSelector: `job-name=${name}` });
    assert.equal(items.length, 1);
    return [job as Job, items[0] as Pod];
  }

  const endOf = (job: Job | undefined) =>
    job?.status?.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed')?.type;
  const terminated = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.terminated;

  it('run to their end on the builder', async () => {
    const [job, pod] = await run('greets', ['/bin/sh', '-ec', 'echo hello >"$ROOT/dev/termination-log"']);
    assert.equal(endOf(job), 'Complete');
    assert.equal(pod.spec.nodeName, 'builder');
    assert.deepEqual([terminated(pod)?.exitCode, terminated(pod)?.message], [0, 'hello\n']);
  });

  it('say with the end of their log why they failed', async () => {
    const [job, pod] = await run('fails', ['/bin/sh', '-ec', 'echo one; echo "no such kernel" >&2; exit 3']);
    assert.equal(endOf(job), 'Failed');
    assert.equal(terminated(pod)?.exitCode, 3);
    assert.match(terminated(pod)?.message ?? '', /no such kernel\n$/);
  });
});
