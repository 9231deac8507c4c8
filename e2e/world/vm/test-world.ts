import { readFileSync } from 'node:fs';
import type { ModprobeSpec, Module } from '@open-cluster-management/api-types';
import { systemClock } from '../../../shared/core/clock.ts';
import { silentLog } from '../../../shared/core/log.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { labels } from '../../../shared/kube/names.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { pods } from '../../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../../shared/kube/runtime.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { workerSchema } from '../../../spoke/config.ts';
import { loaderTemplate } from '../../../spoke/module-loader/loader-pod.ts';
import { startApiServer } from '../api-server/server.ts';
import { eventually } from '../eventually.ts';
import type { LoaderResult } from '../kernel/script-container.ts';
import type { OciImage } from '../registry/oci-image.ts';
import { pushImage } from '../registry/push.ts';
import { type Registry, startRegistry } from '../registry/server.ts';
import { buildToolsImage } from '../registry/tools-image.ts';
import type { MachineOptions } from './machine.ts';
import { startVmNode, type VmNode } from './vm-node.ts';

export const namespace = 'default';
/** A machine that shares two cores with others. */
const patienceMs = 180_000;

/** What a test says of a Module's loader; the pod is made by the spoke's own code. */
export interface LoaderOptions {
  /** Of the Module and of its pod. */
  name: string;
  image: string;
  kernel: string;
  modprobe: ModprobeSpec;
  inTree?: string[];
  firmwareHostPath?: string;
}

/** One API server, one registry, and one node with a real kernel. */
export interface VmWorld {
  readonly client: KubeClient;
  readonly node: VmNode;
  push(repository: string, image: OciImage): Promise<string>;
  createLoader(options: LoaderOptions): Promise<void>;
  /** Waits until the loader pod is as `looks` says; when it never is, its status and logs are shown. */
  loaderUntil(name: string, expected: string, looks: (pod: Pod) => boolean): Promise<Pod>;
  /** Waits for a result of the loader script: the newest one of a container that ended. */
  resultOf(name: string, looks: (result: LoaderResult) => boolean): Promise<LoaderResult>;
  /** Deletes the pod, waits until it has ended, and lets go of it; returns its result. */
  deleteLoader(name: string): Promise<LoaderResult | undefined>;
  stop(): Promise<void>;
}

export async function startVmWorld(options: MachineOptions & { inTree?: readonly string[] }): Promise<VmWorld> {
  const clock = systemClock;
  const runtime: Runtime = { clock, random: Math.random, log: silentLog, meters: silentMeters };
  const server = await startApiServer({ clock, name: 'spoke' });
  const registry = await startRegistry({ clock });
  const client = createKubeClient({ kubeconfig: { text: server.kubeconfig() } });
  const node = await startVmNode({
    ...options,
    labels: { [labels.kernelVersion]: options.kernel.release },
    client,
    runtime,
    name: 'vm',
    registry: { caPem: registry.caPem },
  });
  const push = (repository: string, image: OciImage) => pushTo(registry, repository, image);
  const toolsImage = await push('tools', await buildToolsImage({ busybox: readFileSync(options.parts.busybox) }));
  const read = (name: string) => client.get(pods, { namespace, name });
  const world: VmWorld = {
    client,
    node,
    push,
    async createLoader(loader) {
      await client.create(pods, loaderPod(loader, toolsImage));
    },
    loaderUntil: (name, expected, looks) =>
      eventually(
        `pod ${name} ${expected}`,
        async () => {
          const pod = await read(name);
          if (pod && looks(pod)) return pod;
          const { output, hooks } = pod ? node.logs(pod, 'module-loader') : { output: '', hooks: '' };
          throw new Error(`${JSON.stringify(pod?.status ?? 'no such pod')}\n${output}${hooks}`);
        },
        patienceMs,
      ),
    async resultOf(name, looks) {
      const pod = await world.loaderUntil(name, 'has the result', (each) => {
        const result = newestResult(each);
        return result !== undefined && looks(result);
      });
      return newestResult(pod) as LoaderResult;
    },
    async deleteLoader(name) {
      await client.delete(pods, { namespace, name });
      const pod = await world.loaderUntil(
        name,
        'has ended',
        (each) => each.status?.containerStatuses?.[0]?.state?.running === undefined && each.status?.phase !== 'Running',
      );
      await client.patch(pods, { namespace, name }, { type: 'merge', body: { metadata: { finalizers: null } } });
      await eventually('the pod is gone', async () => (await read(name)) === undefined, patienceMs);
      return newestResult(pod);
    },
    async stop() {
      await node.stop();
      await client.close();
      await server.stop();
      await registry.stop();
    },
  };
  return world;
}

async function pushTo(registry: Registry, repository: string, image: OciImage): Promise<string> {
  return (await pushImage(registry, { repository, tag: 'v1' }, image)).name;
}

/** By hand what the DaemonSet's controller does: a pod of the template, on the node. */
function loaderPod(
  { name, image, kernel, modprobe, inTree = [], firmwareHostPath }: LoaderOptions,
  toolsImage: string,
): Pod {
  const module = {
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata: { name, namespace },
    spec: { moduleLoader: { container: { modprobe } }, selector: {} },
  } as unknown as Module;
  const registryTLS = { insecure: false, insecureSkipTLSVerify: false };
  const { metadata, spec } = loaderTemplate({
    module,
    mapping: { kernelVersion: kernel, containerImage: image, inTreeModulesToRemove: inTree, registryTLS, index: 0 },
    settings: {
      toolsImage,
      operatorNamespace: 'kmm',
      worker: workerSchema.parse({ ...(firmwareHostPath && { firmwareHostPath }) }),
    },
  });
  const { serviceAccountName: _, ...rest } = spec as NonNullable<typeof spec>;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, namespace, name },
    spec: { ...rest, nodeName: 'vm' },
  } as Pod;
}

function newestResult(pod: Pod): LoaderResult | undefined {
  const { state, lastState } = pod.status?.containerStatuses?.[0] ?? {};
  const message = (state?.terminated ?? lastState?.terminated)?.message;
  return message?.startsWith('{') ? (JSON.parse(message) as LoaderResult) : undefined;
}
