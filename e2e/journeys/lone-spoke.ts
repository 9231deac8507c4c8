import { type Module, modules } from '@open-cluster-management/api-types';
import { scaledClock, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { labels } from '../../shared/kube/names.ts';
import type { DaemonSet } from '../../shared/kube/object.ts';
import { daemonSets } from '../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { spokeConfigSchema, workerSchema } from '../../spoke/config.ts';
import { purposeOf } from '../../spoke/pods.ts';
import { startSpoke } from '../../spoke/start.ts';
import { eventually } from '../world/eventually.ts';
import {
  operatorNamespace,
  programUsers,
  type StandInFleet,
  spokeNamespace,
  startFleet,
} from '../world/fleet/fleet.ts';
import { withholdImages } from '../world/fleet/image-rights.ts';
import { conditionOf } from '../world/fleet/observe.ts';
import type { NodeSpec } from '../world/fleet/spoke-cluster.ts';
import { Program } from './programs.ts';

const timeFactor = 10;
const namespace = spokeNamespace;

/** Cluster `s1` without a hub, where our program builds and signs what Modules ask for, once that is allowed. */
export interface LoneSpoke {
  readonly fleet: StandInFleet;
  readonly client: KubeClient;
  readonly program: Program;
  /** What an admin applies so that images are made for the Modules of `spokeNamespace`. */
  allow(): Promise<void>;
  read(module: string): Promise<Module | undefined>;
  /** Waits until the Module's condition, of its present spec, looks so. */
  until(module: string, type: string, expected: RegExp): Promise<Module>;
  /** The Module's DaemonSets that load. */
  loaders(module: string): Promise<DaemonSet[]>;
  stop(): Promise<void>;
}

/** `config`: as in the spoke's configuration file. */
export async function startLoneSpoke(nodes: readonly NodeSpec[], config: object = {}): Promise<LoneSpoke> {
  const clock = scaledClock(systemClock, timeFactor);
  const runtime: Runtime = { clock, random: Math.random, log: silentLog, meters: silentMeters };
  const fleet = await startFleet({ spokes: [{ name: 's1', nodes }], runtime, timeFactor, spokesBuild: true });
  const { plane } = fleet.spoke('s1');
  const { client } = plane;
  await fleet.spoke('s1').disconnect();
  const allow = await withholdImages(plane);
  const images = { builder: fleet.builderImage, signer: fleet.signerImage };
  const program = new Program(
    () => plane.connect(programUsers.spoke),
    (connected, signal) =>
      startSpoke({
        client: connected,
        runtime,
        settings: { toolsImage: fleet.toolsImage, operatorNamespace, worker: workerSchema.parse({}) },
        managed: false,
        identity: 'spoke-1',
        images: { config: spokeConfigSchema.parse({ images, ...config }), registryCa: fleet.registry.caPem },
        signal,
      }),
  );
  await program.start();
  const read = (name: string) => client.get(modules, { namespace, name });
  return {
    fleet,
    client,
    program,
    allow,
    read,
    until: (name, type, expected) =>
      eventually(`${type} of ${name} is ${expected}`, async () => {
        const module = await read(name);
        const isCurrent = module?.status?.observedGeneration === module?.metadata.generation;
        if (module && isCurrent && expected.test(conditionOf(module, type))) return module;
        throw new Error(JSON.stringify(module?.status));
      }),
    async loaders(name) {
      const { items } = await client.list(daemonSets, { namespace, labelSelector: `${labels.moduleName}=${name}` });
      return items.filter((each) => purposeOf(each) === 'load');
    },
    async stop() {
      await program.stop();
      await fleet.stop();
    },
  };
}
