import { buildNameLabel, builds } from '../../../shared/build/openshift-kinds.ts';
import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { isConflict, isNotFound, KubeError } from '../../../shared/kube/errors.ts';
import { objectKey, parseKey, refKey } from '../../../shared/kube/object.ts';
import { pods } from '../../../shared/kube/resources.ts';
import { writeStatus } from '../../../shared/kube/status.ts';
import type { RunningWorldController, WorldControllerOptions } from '../controllers/options.ts';
import { buildPod, buildPodName } from './build-pod.ts';
import { nextStep } from './build-step.ts';

/** What OpenShift says while the pod is refused, by a quota for one; it tries again. */
const noPod = { reason: 'CannotCreateBuildPod', message: 'Failed creating build pod.' };
const podAgainMs = 5_000;

async function isRefused(creation: Promise<unknown>): Promise<boolean> {
  try {
    await creation;
    return false;
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return true;
    throw error;
  }
}

/** Executes Builds by pods of `builderImage`, the stand-in of buildah. */
export function startBuildController(
  options: WorldControllerOptions & { builderImage: string },
): RunningWorldController {
  const { client, runtime, signal, builderImage } = options;
  const buildCache = new Cache({ client, runtime, resource: builds });
  const podCache = new Cache({ client, runtime, resource: pods, labelSelector: buildNameLabel });

  /** All is read from the server: caches lag behind our own writes. */
  async function reconcile(key: string): Promise<Outcome> {
    const at = parseKey(key);
    const build = await client.get(builds, at);
    if (build === undefined || build.metadata.deletionTimestamp !== undefined) return done;
    const place = { namespace: at.namespace, name: buildPodName(build) };
    const step = nextStep(build, await client.get(pods, place), runtime.clock.now());
    try {
      if (step.removePod) await client.delete(pods, place);
      const refused = step.createPod && (await isRefused(client.create(pods, buildPod(build, builderImage))));
      await writeStatus(client, builds, build, refused ? { ...step.status, ...noPod } : step.status);
      if (refused) return after(podAgainMs, 'PodRefused');
    } catch (error) {
      // The watches are about to tell.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
    return step.againMs === undefined ? done : after(step.againMs, 'LogSnippet');
  }

  for (const cache of [buildCache, podCache]) cache.start(signal);
  const sources = [
    watching(buildCache, ({ current }) => (current ? [objectKey(current)] : [])),
    watching(podCache, ({ previous, current }) => {
      const { namespace, labels } = (current ?? previous)?.metadata ?? {};
      return [refKey({ namespace, name: labels?.[buildNameLabel] ?? '' })];
    }),
  ];
  return startController({ name: 'world-build', sources, reconcile }, runtime, signal);
}
