import type { KubeClient } from '../../../shared/kube/client.ts';
import { nodes as nodeResource } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import type { DockerConfig } from '../../../shared/registry/docker-config.ts';
import type { KernelConfig } from '../kernel/kernel.ts';
import { startNode, type WorldNode } from '../node/node.ts';
import { ocmUsers } from '../ocm/names.ts';
import { startRegistrationAgent } from '../ocm/registration-agent.ts';
import { startWorkAgent } from '../ocm/work-agent.ts';
import { type Plane, type PlaneTraits, startPlane } from './plane.ts';

export interface NodeSpec {
  readonly name: string;
  readonly kernel: KernelConfig;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface SpokeSpec {
  readonly name: string;
  readonly nodes: readonly NodeSpec[];
  /** Of the ManagedCluster on the hub. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the ManagedCluster: the hub calls a cluster unknown when five of them passed without a word. Default 60. */
  readonly leaseDurationSeconds?: number;
}

export interface SpokeClusterOptions {
  readonly spec: SpokeSpec;
  readonly runtime: Runtime;
  /** How many times faster than real time `runtime.clock` runs. */
  readonly timeFactor: number;
  readonly registryCa: string;
  /** Of the nodes themselves, beside the pull secrets of pods. */
  readonly logins?: readonly DockerConfig[];
  readonly traits: PlaneTraits;
  /** Where the agents have a user of their own. */
  readonly hub: Plane;
  /** Empty folder for the nodes' file systems. */
  readonly folder: string;
}

/** A managed cluster: control plane, nodes with kernels, and OCM's two agents. */
export interface SpokeCluster {
  readonly name: string;
  readonly plane: Plane;
  /** Throws for a name that is not there. */
  node(name: string): WorldNode;
  readonly nodes: readonly WorldNode[];
  /** Gives the node the labels of its spec, and the worker's role: what kubelet may not say of itself. A node that joins has them. */
  labelNode(name: string): Promise<void>;
  /** The agents stop: nothing gets through between hub and spoke. */
  disconnect(): Promise<void>;
  connect(): void;
  stop(): Promise<void>;
}

/**
 * The real agent polls every 10-19 s; the demo and the journeys do not wait for that. Nor do they poll more often than
 * three times a real second: a third of all that a real API server was asked for was asked by agents.
 */
const agentPoll = { worldMsMin: 1_000, realMsMin: 300 };
const hubHash = 'd40a9dd7d8dc06954bde67491e6f5eeaad5d546a76a7d541cf0298e74316c824';
const workerLabel = { 'node-role.kubernetes.io/worker': '' };

export async function startSpokeCluster(options: SpokeClusterOptions): Promise<SpokeCluster> {
  const { spec, runtime, timeFactor, traits } = options;
  const { name } = spec;
  const plane = await startPlane({ name, role: 'spoke', runtime, timeFactor, ...traits });
  const nodes = await Promise.all(spec.nodes.map((node) => joinNode(options, plane, node)));
  const labelNode = async (of: string) => {
    const labels = { ...workerLabel, ...spec.nodes.find((node) => node.name === of)?.labels };
    await plane.client.patch(nodeResource, { name: of }, { type: 'merge', body: { metadata: { labels } } });
  };
  await Promise.all(spec.nodes.map((node) => labelNode(node.name)));
  const agents = await Agents.of(options, plane);
  agents.start();
  return {
    name,
    plane,
    nodes,
    node(name) {
      const found = nodes.find((each) => each.name === name);
      if (found === undefined) throw new Error(`expected a node of ${spec.name}, got ${name}`);
      return found;
    },
    labelNode,
    disconnect: () => agents.stop(),
    connect: () => agents.start(),
    async stop() {
      await agents.stop();
      await Promise.all(nodes.map((node) => node.stop()));
      await plane.stop();
    },
  };
}

async function joinNode(options: SpokeClusterOptions, plane: Plane, spec: NodeSpec): Promise<WorldNode> {
  const { runtime, timeFactor, folder } = options;
  const { name, kernel } = spec;
  return startNode({
    client: await plane.connect(`system:node:${name}`),
    admin: plane.client,
    runtime,
    name,
    kernel,
    registry: { caPem: options.registryCa },
    ...(options.logins && { logins: options.logins }),
    folder: `${folder}/${name}`,
    timeFactor,
  });
}

interface AgentClients {
  readonly hub: KubeClient;
  readonly registration: KubeClient;
  readonly work: KubeClient;
}

class Agents {
  readonly #options: SpokeClusterOptions;
  readonly #clients: AgentClients;
  #running: { stop: AbortController; stopped: Promise<unknown> } | undefined;

  constructor(options: SpokeClusterOptions, clients: AgentClients) {
    this.#options = options;
    this.#clients = clients;
  }

  static async of(options: SpokeClusterOptions, plane: Plane): Promise<Agents> {
    return new Agents(options, {
      hub: await options.hub.connect(ocmUsers.agent(options.spec.name)),
      registration: await plane.connect(ocmUsers.registrationAgent),
      work: await plane.connect(ocmUsers.workAgent),
    });
  }

  start(): void {
    const { runtime, spec, timeFactor } = this.#options;
    const { hub: hubClient, registration, work } = this.#clients;
    const stop = new AbortController();
    const parts = { hubClient, clusterName: spec.name, runtime, signal: stop.signal };
    const pollMs = Math.max(agentPoll.worldMsMin, agentPoll.realMsMin * timeFactor);
    const agents = [
      startRegistrationAgent({ ...parts, spokeClient: registration, pollMs: 4 * pollMs }),
      startWorkAgent({ ...parts, spokeClient: work, hubHash, statusSyncMs: pollMs }),
    ];
    this.#running = { stop, stopped: Promise.all(agents.map(({ stopped }) => stopped)) };
  }

  async stop(): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.stopped;
    this.#running = undefined;
  }
}
