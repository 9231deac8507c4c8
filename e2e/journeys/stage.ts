import {
  type ManagedClusterModule,
  type ManagedClusterModuleSpec,
  type ModuleSpec,
  managedClusterModules,
} from '@open-cluster-management/api-types';
import { type Clock, scaledClock, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { type Meters, type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { eventually } from '../world/eventually.ts';
import {
  type Fleet,
  type FleetOptions,
  pullSecret,
  type StandInFleet,
  spokeNamespace,
  startFleet,
} from '../world/fleet/fleet.ts';
import { conditionOf, readModule } from '../world/fleet/observe.ts';
import type { PlaneTraits } from '../world/fleet/plane.ts';
import type { SpokeSpec } from '../world/fleet/spoke-cluster.ts';
import { hubProgram, type Program, type ProgramOptions, spokeProgram } from './programs.ts';

/** The world of a journey runs so much faster than the wall clock: a soak of 40 s costs 4 s. */
export const timeFactor = 10;

/** A fleet with the real hub and spoke programs at work in it, all in one process and on one fast clock. */
export interface Stage<F extends Fleet = StandInFleet> {
  readonly fleet: F;
  readonly clock: Clock;
  readonly hub: Program;
  /** Throws for a cluster that is not there. */
  spokeProgram(cluster: string): Program;
  apply(name: string, spec: ManagedClusterModuleSpec): Promise<void>;
  /** Merges `spec` into the object's, as `kubectl edit` would. */
  edit(name: string, spec: unknown): Promise<void>;
  remove(name: string): Promise<void>;
  /** Waits until `Ready` begins with `expected`, such as `True` or `False Progressing`. */
  ready(name: string, expected?: string): Promise<ManagedClusterModule>;
  restartHub(): Promise<void>;
  restartSpoke(cluster: string): Promise<void>;
  stop(): Promise<void>;
}

export const kernels = {
  el9: '5.14.0-427.13.1.el9_4.x86_64',
  el9Next: '5.14.0-503.11.1.el9_5.x86_64',
  debian: '6.1.0-28-amd64',
} as const;

/** A moduleSpec for the driver that `pushDriver` pushed to `repository`, by one mapping for every kernel. */
export function driverSpec(fleet: Fleet, repository: string, overrides: Partial<ModuleSpec> = {}): ModuleSpec {
  const moduleName = repository.slice(repository.lastIndexOf('/') + 1);
  return {
    selector: { 'node-role.kubernetes.io/worker': '' },
    imageRepoSecret: { name: pullSecret },
    moduleLoader: {
      container: {
        modprobe: { moduleName, dirName: '/opt' },
        kernelMappings: [
          { regexp: '^.+$', containerImage: `${fleet.registry.host}/${repository}:\${KERNEL_FULL_VERSION}` },
        ],
      },
    },
    ...overrides,
  };
}

export function fleetSpec(moduleSpec: ModuleSpec, selector: Record<string, string> = {}): ManagedClusterModuleSpec {
  return { selector, spokeNamespace, moduleSpec, imageCheck: 'Required', deletionPolicy: 'Delete' };
}

export interface StageOptions extends ProgramOptions {
  /** What the programs are measured by; nothing without. */
  readonly meters?: { readonly hub: Meters; readonly spokes: Meters };
  readonly traits?: PlaneTraits;
  /** The hub has a node that builds and signs. */
  readonly builder?: FleetOptions['builder'];
  readonly serveOnHub?: FleetOptions['serveOnHub'];
  /** What else the fleet has before the programs start. */
  readonly prepare?: (fleet: Fleet, runtime: Runtime) => Promise<void>;
}

export async function startStage(spokes: readonly SpokeSpec[], stageOptions: StageOptions = {}): Promise<Stage> {
  const { traits = {}, builder = false, serveOnHub, prepare, ...options } = stageOptions;
  const clock = scaledClock(systemClock, timeFactor);
  const runtime: Runtime = { clock, random: Math.random, log: silentLog, meters: silentMeters };
  const fleet = await startFleet({ spokes, runtime, timeFactor, traits, builder, serveOnHub });
  await prepare?.(fleet, runtime);
  return startPrograms(fleet, runtime, options);
}

/** Starts our programs in a fleet. `patienceMs`: how long `ready` waits, in real time. */
export async function startPrograms<F extends Fleet>(
  fleet: F,
  runtime: Runtime,
  programOptions: ProgramOptions & Pick<StageOptions, 'meters'> & { readonly patienceMs?: number } = {},
): Promise<Stage<F>> {
  const { meters, patienceMs, ...options } = programOptions;
  const { clock } = runtime;
  const hub = hubProgram(fleet, { ...runtime, meters: meters?.hub ?? silentMeters }, options);
  const spokeRuntime = { ...runtime, meters: meters?.spokes ?? silentMeters };
  const spokePrograms = new Map(
    fleet.spokes.map(({ name }) => [name, spokeProgram(fleet, spokeRuntime, name, options)]),
  );
  await Promise.all([hub, ...spokePrograms.values()].map((program) => program.start()));
  const { client } = fleet.hub;
  const programOf = (cluster: string): Program => {
    const found = spokePrograms.get(cluster);
    if (found === undefined) throw new Error(`expected a program for a spoke of the fleet, got ${cluster}`);
    return found;
  };
  return {
    fleet,
    clock,
    hub,
    spokeProgram: programOf,
    async apply(name, spec) {
      const apiVersion = 'hub.kmm.sigs.x-k8s.io/v1beta1';
      await client.create(managedClusterModules, {
        apiVersion,
        kind: 'ManagedClusterModule',
        metadata: { name },
        spec,
      });
    },
    async edit(name, spec) {
      await client.patch(managedClusterModules, { name }, { type: 'merge', body: { spec } });
    },
    remove: (name) => client.delete(managedClusterModules, { name }, { propagationPolicy: 'Background' }),
    ready(name, expected = 'True') {
      const look = async () => {
        const object = await readModule(fleet, name);
        const seen = conditionOf(object, 'Ready');
        const current = object?.status?.observedGeneration === object?.metadata.generation;
        if (object && current && seen.startsWith(expected)) return object;
        throw new Error(`${seen}; ${JSON.stringify(object?.status)}`);
      };
      return eventually(`${name} is Ready ${expected}`, look, patienceMs);
    },
    restartHub: () => hub.restart(),
    restartSpoke: (cluster) => programOf(cluster).restart(),
    async stop() {
      await Promise.all([hub, ...spokePrograms.values()].map((program) => program.stop()));
      await fleet.stop();
    },
  };
}
