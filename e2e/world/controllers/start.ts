import { startDaemonSetController } from './daemon-set-controller.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { startJobController } from './job-controller.ts';
import { startNamespaceController } from './namespace-controller.ts';
import { startNodeLifecycle } from './node-lifecycle.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';
import { startPodGarbageCollector } from './pod-garbage-collector.ts';
import { startPodPlacement } from './pod-placement.ts';
import { startTaintEviction } from './taint-eviction.ts';

/** All controllers of a cluster with nodes. A hub without nodes needs the garbage collector and the namespaces only. */
export function startClusterControllers(options: WorldControllerOptions): RunningWorldController {
  const running = [
    startGarbageCollector(options),
    startNamespaceController(options),
    startDaemonSetController(options),
    startJobController(options),
    startPodPlacement(options),
    startTaintEviction(options),
    startNodeLifecycle(options),
    startPodGarbageCollector(options),
  ];
  return { stopped: Promise.all(running.map(({ stopped }) => stopped)).then(() => undefined) };
}
