import { Agent } from 'undici';
import { configMaps } from '../../../shared/kube/resources.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { processHost } from '../../../shared/process/host.ts';
import { type Assets, findAssets } from './assets.ts';
import type { Etcd } from './etcd.ts';
import { metadataPolicy, type User, writeFiles } from './files.ts';
import {
  apiServerArguments,
  controllerManagerArguments,
  defaultTiming,
  schedulerArguments,
  type Timing,
} from './flags.ts';
import { type Lifeline, openLifeline } from './lifeline.ts';
import { onFreePorts } from './ports.ts';
import { currentRelease, type Release } from './releases.ts';
import { type ServerProcess, type Share, startServer, untilReady } from './server-process.ts';
import { serviceAccounts } from './service-account.ts';

/** Generous: seconds when the machine is idle, a minute when all of CI runs beside. */
const readyMs = 90_000;

export interface ControlPlaneOptions {
  /** Shows in the certificates, and is the prefix in etcd: no two planes on one etcd may have the same. */
  name: string;
  etcd: Etcd;
  version?: Release;
  /** Without them nothing makes pods or tokens, and nothing is collected; the API server alone takes half the time. */
  schedulerAndControllers: boolean;
  /** A policy of `audit.k8s.io/v1`; without one every request is logged by its metadata. */
  auditPolicy?: string;
  timing?: Partial<Timing>;
  /** Of objects are to be held: the API server takes the memory and the processors that it wants. */
  thousands?: boolean;
  /**
   * Runs once the API server serves, before the controllers start: the place for CustomResourceDefinitions. The garbage
   * collector looks for kinds when it starts and then every 30 s; until it knows one, it collects nothing of it.
   */
  prepare?: (adminKubeconfig: string) => Promise<void>;
}

/** Kubernetes' own control plane on loopback, with authentication and RBAC. */
export interface ControlPlane {
  readonly name: string;
  readonly url: string;
  readonly caPem: string;
  /** Of `system:masters`, for whom RBAC does not count. */
  readonly adminKubeconfig: string;
  /** One JSON event a line. */
  readonly auditLogPath: string;
  /** What runs, API server first; their logs stand beside the audit log until `stop`. */
  readonly processes: readonly ServerProcess[];
  /** A kubeconfig's text whose user is known by a client certificate. A node is `system:node:NAME` in `system:nodes`. */
  kubeconfigFor(user: User): Promise<string>;
  /** It costs nothing until `resume`: at rest a plane takes 2.4 % of a core. Who waits for it meanwhile waits. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** Starts a control plane and waits until it serves. Throws `ServerFailure` with the ends of the logs when it does not. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const assets = await findAssets(options.version ?? currentRelease);
  const release = processHost().keepAlive();
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const lifeline = openLifeline(options.name);
      try {
        return await start({ lifeline, assets, port, options });
      } catch (error) {
        await lifeline.end();
        throw error;
      }
    });
  } finally {
    release();
  }
}

async function start(given: {
  lifeline: Lifeline;
  assets: Assets;
  port: number;
  options: ControlPlaneOptions;
}): Promise<ControlPlane> {
  const { lifeline, assets, port, options } = given;
  const { name, etcd, auditPolicy = metadataPolicy } = options;
  const timing = { ...defaultTiming, ...options.timing };
  const url = `https://127.0.0.1:${port}`;
  const identity = await writeFiles({ folder: lifeline.folder, name, url, auditPolicy });
  const { paths, caPem, kubeconfigFor } = identity;
  const share: Share = options.thousands ? 'atWill' : { memoryMiB: 450 };
  const flags = apiServerArguments({ etcdUrl: etcd.url, name, port, paths });
  const apiServer = startServer(lifeline, assets.pathOf('kube-apiserver'), { arguments: flags, share });
  const processes = [apiServer];
  const anybody = new Agent({ connect: { ca: caPem } });
  await untilReady([apiServer, etcd.process], `${url}/readyz`, readyMs, () => isReady(url, anybody)).finally(() =>
    anybody.destroy(),
  );
  const adminKubeconfig = await kubeconfigFor({ name: 'admin', groups: ['system:masters'] });
  await options.prepare?.(adminKubeconfig);
  if (options.schedulerAndControllers) {
    const manager = controllerManagerArguments(paths, timing);
    processes.push(
      startServer(lifeline, assets.pathOf('kube-controller-manager'), {
        arguments: manager,
        share: { memoryMiB: 150 },
      }),
      startServer(lifeline, assets.pathOf('kube-scheduler'), {
        arguments: schedulerArguments(paths),
        share: { memoryMiB: 80 },
      }),
    );
    await untilControllersWork(processes, adminKubeconfig);
  }
  return {
    name,
    url,
    caPem,
    adminKubeconfig,
    auditLogPath: paths.auditLog,
    processes,
    kubeconfigFor,
    // The API server serves before its clients ask, and as long as they do.
    pause() {
      for (const process of [...processes].reverse()) process.pause();
    },
    resume() {
      for (const process of processes) process.resume();
    },
    async stop() {
      // The API server last, and by a word: it closes its watches, and its audit log is whole.
      await Promise.all(processes.slice(1).map((process) => process.stop()));
      await apiServer.stop({ politely: true });
      await lifeline.end();
    },
  };
}

/** `/readyz` is for everybody, once the roles that say so are there. */
async function isReady(url: string, agent: Agent): Promise<boolean> {
  const answer = await agent.request({ origin: url, path: '/readyz', method: 'GET' });
  const text = await answer.body.text();
  if (answer.statusCode === 200) return true;
  throw new Error(`${answer.statusCode} ${text}`);
}

/** A pod can be made in a namespace once these two are there: until then its admission refuses it. */
async function untilControllersWork(processes: readonly ServerProcess[], kubeconfig: string): Promise<void> {
  const client = createKubeClient({ kubeconfig: { text: kubeconfig }, userAgent: 'world/admin' });
  const what = 'a ServiceAccount and the authority in namespace "default"';
  try {
    await untilReady(processes, what, readyMs, async () => {
      const account = await client.get(serviceAccounts, { namespace: 'default', name: 'default' });
      const authority = await client.get(configMaps, { namespace: 'default', name: 'kube-root-ca.crt' });
      return account !== undefined && authority !== undefined;
    });
  } finally {
    await client.close();
  }
}
