import { startController } from '../shared/kube/controller.ts';
import { withoutRepeats } from '../shared/kube/repeats.ts';
import type { Running } from '../shared/process/life.ts';
import { type ControllersOptions, spokeControllers } from './controllers.ts';

/** `signal` ends everything; nothing is written after `stopped` has resolved. */
export type StartSpokeOptions = ControllersOptions;

/** Starts the spoke's caches and controllers; resolves at once, `synced()` tells when it has seen the whole cluster. */
export function startSpoke(options: StartSpokeOptions): Promise<Running> {
  const { runtime, signal } = options;
  const client = withoutRepeats(options.client, runtime.clock);
  const { caches, controllers, stopped: closed } = spokeControllers({ ...options, client });
  // Listeners first: they are told the first list's objects too.
  const running = controllers.map((controller) => startController(controller, runtime, signal));
  for (const cache of caches) cache.start(signal);
  const stopped = Promise.all([...running, ...caches].map((part) => part.stopped));
  return Promise.resolve({
    synced: () => caches.every((cache) => cache.synced),
    stopped: stopped.then(closed),
  });
}
