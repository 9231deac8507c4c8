import { hubConfigSchema } from '../../hub/config.ts';
import { startHub } from '../../hub/start.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { startSpoke } from '../../spoke/start.ts';
import { type Fleet, hubNamespace, operatorNamespace } from '../world/fleet/fleet.ts';

/** A program that can be stopped and started again, as a Deployment's pod is. */
export class Program {
  readonly #run: (signal: AbortSignal) => Promise<{ stopped: Promise<unknown> }>;
  #present: { abort: AbortController; stopped: Promise<unknown> } | undefined;

  constructor(run: (signal: AbortSignal) => Promise<{ stopped: Promise<unknown> }>) {
    this.#run = run;
  }

  async start(): Promise<void> {
    const abort = new AbortController();
    const { stopped } = await this.#run(abort.signal);
    this.#present = { abort, stopped };
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

/** The users that the programs are: requests are counted by them. */
export const users = {
  hub: `system:serviceaccount:${hubNamespace}:kmm-operator-hub-controller`,
  spoke: `system:serviceaccount:${operatorNamespace}:kmm-operator-controller`,
} as const;

/** The hub program, in this process: all of it but leader election and its HTTP pages. */
export function hubProgram(fleet: Fleet, runtime: Runtime): Program {
  return new Program(async (signal) => {
    const client = createKubeClient({ kubeconfig: { text: fleet.hub.server.kubeconfig(users.hub) } });
    const config = hubConfigSchema.parse({});
    const registryCa = fleet.registry.caPem;
    const common = { client, runtime, signal, identity: 'hub-1' };
    const { stopped } = await startHub({ ...common, config, namespace: hubNamespace, registryCa });
    return { stopped: stopped.then(() => client.close()) };
  });
}

/** The spoke program of `cluster`, alike. */
export function spokeProgram(fleet: Fleet, runtime: Runtime, cluster: string): Program {
  return new Program(async (signal) => {
    const { server } = fleet.spoke(cluster).plane;
    const client = createKubeClient({ kubeconfig: { text: server.kubeconfig(users.spoke) } });
    const settings = { toolsImage: fleet.toolsImage, operatorNamespace };
    const { stopped } = await startSpoke({ client, runtime, settings, managed: true, identity: 'spoke-1', signal });
    return { stopped: stopped.then(() => client.close()) };
  });
}
