import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { RegistryClient } from '../../../shared/registry/client.ts';
import type { Taint } from '../node/admission.ts';
import { ContainerRuntime } from '../node/container-runtime.ts';
import { goArchitecture, ImageStore } from '../node/image-store.ts';
import { Kubelet } from '../node/kubelet.ts';
import type { PodIdentity } from '../node/node.ts';
import type { NodeFacts } from '../node/node-object.ts';
import { type Machine, type MachineOptions, startMachine } from './machine.ts';
import { MachinePlaces } from './machine-places.ts';
import { nodeModules } from './node-modules.ts';
import type { KernelParts } from './packages.ts';

export interface VmNodeOptions extends MachineOptions {
  /** The node's own. */
  readonly client: KubeClient;
  /** Its clock is real: a kernel cannot be made faster. */
  readonly runtime: Runtime;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** How registries are trusted. */
  readonly registry: { readonly caPem?: string | undefined };
  /** Kernel modules of the distribution that the node has at `/lib/modules`; all of them would take 100 MB of memory. */
  readonly inTree?: readonly string[];
}

/** A node of the world whose kernel is real: the modelled kubelet, with its containers in a virtual machine. */
export interface VmNode {
  readonly name: string;
  /** The one that runs now. */
  readonly machine: Machine;
  /** Power off, start (with another kernel, if one is given), and kubelet comes back: the pods bound to the node start again. */
  reboot(kernel?: KernelParts): Promise<void>;
  /** The process dies as by the OOM killer: kubelet sees a container that ended. */
  killContainer(pod: PodIdentity, container: string): void;
  /** Output of the container's newest instances that have ended, oldest first; the output of its hooks and probes apart. */
  logs(pod: PodIdentity, container: string): { output: string; hooks: string };
  /** Ends everything; the Node object stays. */
  stop(): Promise<void>;
}

const registryTimeoutMs = 30_000;

/** Starts a machine and makes it a node; resolves once it is registered. */
export async function startVmNode(options: VmNodeOptions): Promise<VmNode> {
  const { client, runtime, name, lifeline } = options;
  const folder = join(lifeline.folder, `node-${name}`);
  const hostRoot = join(folder, 'host');
  // What a hostPath volume of type Directory is checked for.
  mkdirSync(join(hostRoot, 'lib/modules'), { recursive: true });
  let { machine, bootID } = await up(options, await startMachine(options));
  const registry = new RegistryClient({
    clock: runtime.clock,
    extraCa: options.registry.caPem,
    timeoutMs: registryTimeoutMs,
  });
  const images = new ImageStore({ registry, folder: join(folder, 'images') });
  const podsFolder = join(folder, 'pods');
  const places = new MachinePlaces({ machine: () => machine, hostRoot, podsFolder });
  const containers = new ContainerRuntime({ clock: runtime.clock, folder: podsFolder, places });
  const facts = (): NodeFacts => ({
    name,
    labels: options.labels ?? {},
    taints: options.taints ?? [],
    architecture: goArchitecture(),
    kernelVersion: machine.kernel.release,
    bootID,
    nowMs: runtime.clock.now(),
  });
  const common = { client, runtime, name, containers, images, hostRoot, facts };
  const newKubelet = () => new Kubelet({ ...common, logins: [], timeFactor: 1 });
  let kubelet = newKubelet();
  await kubelet.start();
  /** Every container ends with the machine, none gets a signal that it could handle. */
  const down = async () => {
    await kubelet.stop();
    const crashed = containers.crash();
    await machine.stop();
    await crashed;
  };
  const instancesOf = (pod: PodIdentity, container: string) =>
    containers
      .records()
      .find(({ uid }) => uid === pod.metadata.uid)
      ?.containers.get(container)?.instances ?? [];
  return {
    name,
    get machine() {
      return machine;
    },
    async reboot(kernel = machine.kernel) {
      await down();
      ({ machine, bootID } = await up(options, await machine.reboot(kernel)));
      kubelet = newKubelet();
      await kubelet.start();
    },
    killContainer: (pod, container) => instancesOf(pod, container).at(-1)?.kill(),
    logs(pod, container) {
      const instances = instancesOf(pod, container);
      return {
        output: instances.map(({ log }) => log).join(''),
        hooks: instances.map(({ execLog }) => execLog).join(''),
      };
    },
    async stop() {
      await down();
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What a machine needs to be a node: its distribution's modules, and its boot id to be told. */
async function up(options: VmNodeOptions, machine: Machine): Promise<{ machine: Machine; bootID: string }> {
  const { kernel } = machine;
  const archive = await nodeModules({ ...options, kernel, names: options.inTree ?? [] });
  await machine.unpack(archive, `/lib/modules/${kernel.release}`);
  return { machine, bootID: (await machine.shell('cat /proc/sys/kernel/random/boot_id')).trim() };
}
