import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { managedClusters } from '@open-cluster-management/api-types';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { secrets } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { type DockerConfig, parseDockerConfig } from '../../../shared/registry/docker-config.ts';
import { buildBuilderImage, buildSignerImage } from '../builder/images.ts';
import type { WorldNode } from '../node/node.ts';
import { startHubRegistration } from '../ocm/hub-registration.ts';
import { ocmUsers } from '../ocm/names.ts';
import type { OciImage } from '../registry/oci-image.ts';
import { pushImage } from '../registry/push.ts';
import { type Registry, startRegistry } from '../registry/server.ts';
import { buildToolsImage } from '../registry/tools-image.ts';
import { type HubNodeSystem, startHubNode } from './hub-node.ts';
import { type Plane, type PlaneTraits, startPlane } from './plane.ts';
import { type SpokeCluster, type SpokeSpec, startSpokeCluster } from './spoke-cluster.ts';
import { hubNamespace, operatorNamespace } from './users.ts';

export { hubNamespace, operatorNamespace, programUsers } from './users.ts';

export interface FleetOptions {
  readonly spokes: readonly SpokeSpec[];
  readonly runtime: Runtime;
  /** How many times faster than real time `runtime.clock` runs; 1 for real time. */
  readonly timeFactor: number;
  /** The hub gets a node, where what builds and signs images runs. */
  readonly builder?: boolean | HubNodeSystem;
  /** The nodes of the spokes run such Jobs too. */
  readonly spokesBuild?: boolean;
  /** Further kinds that the hub has from the beginning. */
  readonly serveOnHub?: ((client: KubeClient) => Promise<void>) | undefined;
  /** Of all planes. */
  readonly traits?: PlaneTraits;
}

/** What a fleet runs on beside its planes: stand-ins, or real ones. */
export interface FleetParts {
  /** Whoever started it stops it. `fleetLogin` may do everything in it. */
  readonly registry: FleetRegistry;
  readonly images: {
    readonly tools: () => Promise<OciImage>;
    /** Of build and sign Jobs. */
    readonly builder: () => Promise<OciImage>;
    readonly signer: () => Promise<OciImage>;
  };
}

export type FleetRegistry = Pick<Registry, 'host' | 'url' | 'caPem'>;

/** A hub, its managed clusters and the registry that all of them use: everything that is not ours. */
export interface Fleet {
  readonly hub: Plane;
  readonly spokes: readonly SpokeCluster[];
  /** Throws for a name that is not there. */
  spoke(name: string): SpokeCluster;
  readonly registry: FleetRegistry;
  /** Image of the loader tools, as the spoke program's environment names it. */
  readonly toolsImage: string;
  /** Images of build and sign Jobs, there with `builder` or `spokesBuild`. */
  readonly builderImage: string;
  readonly signerImage: string;
  /** The hub's node that runs them: with `builder` only. */
  readonly builder: WorldNode | undefined;
  /** Temporary folder, removed by `stop`. */
  readonly folder: string;
  /** Pushes as the vendor of drivers; gives the name with its tag, and the name with its digest. */
  push(repository: string, tag: string, image: OciImage): Promise<{ name: string; pinned: string }>;
  stop(): Promise<void>;
}

/** Its registry shows what it was asked, and fails when it is told to. */
export interface StandInFleet extends Fleet {
  readonly registry: Registry;
}

/** Where the hub's Modules go on each spoke. */
export const spokeNamespace = 'kmm-modules';
/** The pull secret, on the hub and on every spoke. */
export const pullSecret = 'registry-login';
export const fleetLogin = { user: 'fleet', password: 'correct horse battery staple' } as const;

/** A fleet with stand-ins for all that is not ours. */
export async function startFleet(options: FleetOptions): Promise<StandInFleet> {
  const users = { [fleetLogin.user]: fleetLogin.password };
  const registry = await startRegistry({ clock: options.runtime.clock, users });
  const builder = () => buildBuilderImage(registry);
  const signer = () => buildSignerImage(registry);
  const fleet = await startFleetOn({ registry, images: { tools: buildToolsImage, builder, signer } }, options);
  return {
    ...fleet,
    registry,
    async stop() {
      await fleet.stop();
      await registry.stop();
    },
  };
}

export async function startFleetOn({ registry, images }: FleetParts, options: FleetOptions): Promise<Fleet> {
  const { runtime, timeFactor, traits = {}, builder: withBuilder = false, spokesBuild = false } = options;
  const folder = await mkdtemp(join(tmpdir(), 'kmm-fleet-'));
  const hub = await startPlane({
    name: 'hub',
    role: 'hub',
    nodes: withBuilder !== false,
    runtime,
    timeFactor,
    ...traits,
  });
  await options.serveOnHub?.(hub.client);
  const registration = await startRegistration(hub, runtime);
  await hub.createNamespace(hubNamespace);
  await createPullSecret(hub.client, hubNamespace, registry.host);
  const push: Fleet['push'] = (repository, tag, image) =>
    pushImage(registry, { repository, tag, login: fleetLogin }, image);
  const spokes: SpokeCluster[] = [];
  for (const spec of options.spokes) {
    await joinHub(hub, spec);
    const logins = spokesBuild ? loginsOf(registry) : [];
    const parts = { spec, runtime, timeFactor, hub, traits, registryCa: registry.caPem, logins };
    const spoke = await startSpokeCluster({ ...parts, folder: join(folder, spec.name) });
    await prepareSpoke(spoke, registry.host);
    spokes.push(spoke);
  }
  const tools = await push('kmm/worker', 'demo', await images.tools());
  const at = (name: string) => `${registry.host}/${name}:demo`;
  if (withBuilder || spokesBuild) await pushMakers(images, push);
  const builder = withBuilder ? await startBuilder({ ...options, hub, registry, folder }) : undefined;
  return {
    hub,
    spokes,
    spoke(name) {
      const found = spokes.find((each) => each.name === name);
      if (found === undefined) throw new Error(`expected a spoke of the fleet, got ${name}`);
      return found;
    },
    registry,
    toolsImage: tools.name,
    builderImage: at(names.builder),
    signerImage: at(names.signer),
    builder,
    folder,
    push,
    async stop() {
      await Promise.all(spokes.map((spoke) => spoke.stop()));
      await builder?.stop();
      await registration.stop();
      await hub.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const names = { builder: 'kmm/builder', signer: 'kmm/signer' } as const;

async function pushMakers(images: FleetParts['images'], push: Fleet['push']): Promise<void> {
  await push(names.builder, 'demo', await images.builder());
  await push(names.signer, 'demo', await images.signer());
}

/** Nodes pull the images of Jobs by a login of their own: no Job names a Secret for them. */
function loginsOf(registry: FleetRegistry): DockerConfig[] {
  return [parseDockerConfig(loginData(registry.host))];
}

async function startBuilder(
  parts: Pick<FleetOptions, 'runtime' | 'timeFactor' | 'builder'> & Pick<Fleet, 'hub' | 'registry' | 'folder'>,
): Promise<WorldNode> {
  const { hub, runtime, timeFactor, registry, folder, builder } = parts;
  const logins = loginsOf(registry);
  const place = join(folder, 'hub-node');
  const system = typeof builder === 'object' ? builder : undefined;
  return startHubNode({ hub, runtime, timeFactor, registryCa: registry.caPem, logins, folder: place, system });
}

/** OCM's own controller on the hub. */
async function startRegistration(hub: Plane, runtime: Runtime): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController();
  const hubClient = await hub.connect(ocmUsers.hubController);
  const { stopped } = startHubRegistration({ hubClient, runtime, signal: stopping.signal });
  return {
    stop() {
      stopping.abort();
      return stopped;
    },
  };
}

/** The cluster asks to join and is accepted: its namespace follows. */
async function joinHub(hub: Plane, spec: SpokeSpec): Promise<void> {
  await hub.client.create(managedClusters, {
    apiVersion: 'cluster.open-cluster-management.io/v1',
    kind: 'ManagedCluster',
    metadata: { name: spec.name, labels: { ...spec.labels } },
    spec: { hubAcceptsClient: true, leaseDurationSeconds: spec.leaseDurationSeconds ?? 60 },
  });
}

/** What does not travel with a work and must be there before: namespaces and the pull secret. */
async function prepareSpoke(spoke: SpokeCluster, registryHost: string): Promise<void> {
  const { plane } = spoke;
  await plane.createNamespace(operatorNamespace);
  await plane.createNamespace(spokeNamespace);
  await createPullSecret(plane.client, spokeNamespace, registryHost);
}

async function createPullSecret(client: KubeClient, namespace: string, registryHost: string): Promise<void> {
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: pullSecret, labels: { 'kmm.node.kubernetes.io/use': 'pull' } },
    type: 'kubernetes.io/dockerconfigjson',
    data: loginData(registryHost),
  });
}

function loginData(registryHost: string): Record<string, string> {
  const auth = Buffer.from(`${fleetLogin.user}:${fleetLogin.password}`).toString('base64');
  const config = JSON.stringify({ auths: { [registryHost]: { auth } } });
  return { '.dockerconfigjson': Buffer.from(config).toString('base64') };
}
