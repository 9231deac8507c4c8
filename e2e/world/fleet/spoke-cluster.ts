import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { startClusterControllers } from '../controllers/start.ts';
import type { KernelConfig } from '../kernel/kernel.ts';
import { startNode, type WorldNode } from '../node/node.ts';
import { startRegistrationAgent } from '../ocm/registration-agent.ts';
import { startWorkAgent } from '../ocm/work-agent.ts';
import { type Plane, startPlane } from './plane.ts';

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
  /** The agents' own client of the hub. */
  readonly hubClient: KubeClient;
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
  /** The agents stop: nothing gets through between hub and spoke. */
  disconnect(): Promise<void>;
  connect(): void;
  stop(): Promise<void>;
}

/** In the world's time: the real agent polls every 10-19 s; the demo and the journeys do not wait for that. */
export const agentPollMs = 1_000;
const hubHash = 'd40a9dd7d8dc06954bde67491e6f5eeaad5d546a76a7d541cf0298e74316c824';
const workerLabel = { 'node-role.kubernetes.io/worker': '' };

export async function startSpokeCluster(options: SpokeClusterOptions): Promise<SpokeCluster> {
  const { spec, runtime, folder, timeFactor } = options;
  const plane = await startPlane(spec.name, runtime, (shared) => [startClusterControllers(shared)]);
  const nodes = await Promise.all(
    spec.nodes.map(({ name, kernel, labels }) =>
      startNode({
        client: plane.clientFor(`system:node:${name}`),
        runtime,
        name,
        labels: { ...workerLabel, ...labels },
        kernel,
        registry: { caPem: options.registryCa },
        folder: `${folder}/${name}`,
        timeFactor,
      }),
    ),
  );
  const agents = new Agents(options, plane);
  agents.start();
  return {
    name: spec.name,
    plane,
    nodes,
    node(name) {
      const found = nodes.find((each) => each.name === name);
      if (found === undefined) throw new Error(`expected a node of ${spec.name}, got ${name}`);
      return found;
    },
    disconnect: () => agents.stop(),
    connect: () => agents.start(),
    async stop() {
      await agents.stop();
      await Promise.all(nodes.map((node) => node.stop()));
      await plane.stop();
    },
  };
}

class Agents {
  readonly #options: SpokeClusterOptions;
  readonly #spokeClient: KubeClient;
  #running: { stop: AbortController; stopped: Promise<unknown> } | undefined;

  constructor(options: SpokeClusterOptions, plane: Plane) {
    this.#options = options;
    this.#spokeClient = plane.clientFor('system:serviceaccount:open-cluster-management-agent:klusterlet-work-sa');
  }

  start(): void {
    const { hubClient, runtime, spec } = this.#options;
    const stop = new AbortController();
    const parts = { hubClient, spokeClient: this.#spokeClient, clusterName: spec.name, runtime, signal: stop.signal };
    const agents = [
      startRegistrationAgent({ ...parts, pollMs: agentPollMs }),
      startWorkAgent({ ...parts, hubHash, statusSyncMs: agentPollMs }),
    ];
    this.#running = { stop, stopped: Promise.all(agents.map(({ stopped }) => stopped)) };
  }

  async stop(): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.stopped;
    this.#running = undefined;
  }
}
