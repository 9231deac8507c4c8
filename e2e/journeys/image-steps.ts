import { systemClock } from '../../shared/core/clock.ts';
import { labels } from '../../shared/kube/names.ts';
import { daemonSets, jobs } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { type Fleet, hubNamespace, spokeNamespace } from '../world/fleet/fleet.ts';
import { conditionOf, readModule } from '../world/fleet/observe.ts';

/** Waits until `ImagesReady`, as `conditionOf` tells it, is as expected. */
export async function untilImagesReady(
  fleet: Fleet,
  name: string,
  expected: RegExp,
  patienceMs?: number,
): Promise<void> {
  const look = async () => {
    const said = conditionOf(await readModule(fleet, name), 'ImagesReady');
    return expected.test(said) || Promise.reject(new Error(said));
  };
  await eventually(`ImagesReady of ${name} is ${expected}`, look, patienceMs);
}

/**
 * Follows one image that is built and signed from the moment its ManagedClusterModule was applied until the hub says
 * Ready; gives the seconds that each step took, as one line. Times are those at which anybody could see it.
 */
export async function followImage(
  fleet: Fleet,
  options: { name: string; cluster: string; isLoaded: () => Promise<boolean>; patienceMs: number },
): Promise<string> {
  const { name, cluster, isLoaded, patienceMs } = options;
  const { client } = fleet.hub;
  const ended = async (step: 'build' | 'sign') => {
    const selector = `${labels.managedClusterModule}=${name},${labels.buildType}=${step}`;
    const { items } = await client.list(jobs, { namespace: hubNamespace, labelSelector: selector });
    if (items.some(({ status }) => (status?.succeeded ?? 0) > 0)) return true;
    throw new Error(JSON.stringify((await readModule(fleet, name))?.status));
  };
  const steps: [string, () => Promise<boolean>][] = [
    ['build', () => ended('build')],
    ['sign', () => ended('sign')],
    ['verify', async () => (await readModule(fleet, name))?.status?.images?.[0]?.state === 'Verified'],
    [
      'ship',
      async () =>
        (await fleet.spoke(cluster).plane.client.list(daemonSets, { namespace: spokeNamespace })).items.length > 0,
    ],
    ['load', isLoaded],
    ['tell', async () => conditionOf(await readModule(fleet, name), 'Ready').startsWith('True')],
  ];
  const taken: string[] = [];
  let last = systemClock.now();
  for (const [step, reached] of steps) {
    await eventually(`${name}: ${step}`, reached, patienceMs);
    const now = systemClock.now();
    taken.push(`${step} ${((now - last) / 1000).toFixed(1)} s`);
    last = now;
  }
  return taken.join(', ');
}
