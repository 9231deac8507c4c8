import { buildNameLabel, builds } from '../../../shared/build/openshift-kinds.ts';
import { done, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { isConflict, isNotFound } from '../../../shared/kube/errors.ts';
import { objectKey, parseKey, refKey } from '../../../shared/kube/object.ts';
import { pods } from '../../../shared/kube/resources.ts';
import { writeStatus } from '../../../shared/kube/status.ts';
import type { RunningWorldController, WorldControllerOptions } from '../controllers/options.ts';
import { buildPod, buildPodName } from './build-pod.ts';
import { nextStep } from './build-step.ts';

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
      if (step.createPod) await client.create(pods, buildPod(build, builderImage));
      await writeStatus(client, builds, build, step.status);
    } catch (error) {
      // The watches are about to tell.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
    return done;
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
