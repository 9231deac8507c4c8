import { hubConfigSchema } from '../../hub/config.ts';
import { startHub } from '../../hub/start.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import { workerSchema } from '../../spoke/config.ts';
import { startSpoke } from '../../spoke/start.ts';
import { type Fleet, hubNamespace, operatorNamespace, programUsers } from '../world/fleet/fleet.ts';

type Connect = () => Promise<KubeClient>;
type Run = (client: KubeClient, signal: AbortSignal) => Promise<{ stopped: Promise<unknown> }>;

/** A program that can be stopped and started again, as a Deployment's pod is. */
export class Program {
  readonly #connect: Connect;
  readonly #run: Run;
  #present: { client: KubeClient; abort: AbortController; stopped: Promise<unknown> } | undefined;

  constructor(connect: Connect, run: Run) {
    this.#connect = connect;
    this.#run = run;
  }

  async start(): Promise<void> {
    const abort = new AbortController();
    const client = await this.#connect();
    const { stopped } = await this.#run(client, abort.signal);
    this.#present = { client, abort, stopped: stopped.then(() => client.close()) };
  }

  /** As SIGKILL does: no request that is under way gets its answer, and none follows. */
  async kill(): Promise<void> {
    await this.#present?.client.close();
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#present?.abort.abort();
    await this.#present?.stopped;
    this.#present = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

export interface ProgramOptions {
  /** Real time; the transport's default without. */
  readonly requestTimeoutMs?: number;
  /** As in the hub's configuration file; its defaults without. */
  readonly hubConfig?: Readonly<Record<string, unknown>>;
  /** What stands between the hub and its API server, each time that it starts. */
  readonly hubClient?: (client: KubeClient) => KubeClient;
}

/** The hub program, in this process: all of it but leader election and its HTTP pages. */
export function hubProgram(fleet: Fleet, runtime: Runtime, options: ProgramOptions = {}): Program {
  return new Program(
    () => fleet.hub.connect(programUsers.hub, { meters: runtime.meters, ...transport(options) }),
    (connected, signal) => {
      const client = options.hubClient?.(connected) ?? connected;
      const images = fleet.builder && { builder: fleet.builderImage, signer: fleet.signerImage };
      const config = hubConfigSchema.parse({ ...options.hubConfig, ...(images && { images }) });
      const registryCa = fleet.registry.caPem;
      const common = { client, runtime, signal, identity: 'hub-1' };
      return startHub({ ...common, config, namespace: hubNamespace, registryCa });
    },
  );
}

/** The spoke program of `cluster`, alike. */
export function spokeProgram(fleet: Fleet, runtime: Runtime, cluster: string, options: ProgramOptions = {}): Program {
  return new Program(
    () => fleet.spoke(cluster).plane.connect(programUsers.spoke, { meters: runtime.meters, ...transport(options) }),
    (client, signal) => {
      const settings = { toolsImage: fleet.toolsImage, operatorNamespace, worker: workerSchema.parse({}) };
      return startSpoke({ client, runtime, settings, managed: true, identity: 'spoke-1', signal });
    },
  );
}

function transport({ requestTimeoutMs }: ProgramOptions) {
  return requestTimeoutMs === undefined ? {} : { requestTimeoutMs };
}
