// `npm run bench:images [-- --clusters N]`: what making images costs a fleet. Three modules of which no image exists, four kernels on every cluster;
// clusters are claims only, and the bench plays the Job controller: a build is over at once. Counts builds, and requests to registry and API server;
// no times. The last column is the difference that each further cluster makes.
import { parseArgs } from 'node:util';
import { type ManagedClusterModule, managedClusterModules, managedClusters } from '@open-cluster-management/api-types';
import PQueue from 'p-queue';
import { hubConfigSchema } from '../../hub/config.ts';
import { startHub } from '../../hub/start.ts';
import { managedCluster, moduleSpec, spokeNamespace, variable } from '../../hub/testing/pictures.ts';
import { sleep, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { configMaps } from '../../shared/kube/resources.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { startEmbeddedPlane } from '../world/fleet/embedded-plane.ts';
import { hubNamespace, programUsers } from '../world/fleet/fleet.ts';
import { embeddedServer, type Plane } from '../world/fleet/plane.ts';
import { startRegistry } from '../world/registry/server.ts';
import { playBuilds } from './instant-builds.ts';

const modules = ['nic', 'gpu', 'storage'];
const kernels = ['5.14.0-427.13.1.el9_4.x86_64', '5.14.0-503.11.1.el9_5.x86_64', '6.1.0-28-amd64', '6.1.0-31-amd64'];
const fewClusters = 10;
const lookEveryMs = 500;

const { values } = parseArgs({ options: { clusters: { type: 'string', default: '1000' } } });
const manyClusters = Number(values.clusters);
if (!(manyClusters > fewClusters)) {
  console.error(`--clusters: expected a number from ${fewClusters + 1} on, got ${values.clusters}`);
  process.exit(2);
}
// The clock's timers keep no process alive; this one does, until the exit below.
const keptAlive = new MessageChannel().port1;
keptAlive.on('message', () => undefined);

const few = await measure(fewClusters);
const many = await measure(manyClusters);
const images = modules.length * kernels.length;
const rows: [what: string, of: (costs: Costs) => number][] = [
  ['builds', ({ builds }) => builds],
  ['requests to the registry', ({ asked, read }) => asked + read],
  ['… whether an image is there', ({ asked }) => asked],
  ['… to look into it', ({ read }) => read],
  ['API requests of the hub', ({ api }) => api],
];
console.log(
  `\n| ${modules.length} modules × ${kernels.length} kernels | ${fewClusters} clusters | ${manyClusters} clusters | per image | per further cluster |`,
);
console.log('| --- | --- | --- | --- | --- |');
for (const [what, of] of rows) {
  const perCluster = (of(many) - of(few)) / (manyClusters - fewClusters);
  console.log(`| ${what} | ${of(few)} | ${of(many)} | ${rounded(of(many) / images)} | ${rounded(perCluster)} |`);
}
process.exit(0);

interface Costs {
  builds: number;
  /** Questions by tag, and requests by digest. */
  asked: number;
  read: number;
  api: number;
}

async function measure(clusters: number): Promise<Costs> {
  const runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
  const plane = await startEmbeddedPlane({ name: 'hub', runtime, role: 'hub' });
  const registry = await startRegistry({ clock: systemClock });
  await prepare(plane, clusters);
  const stopping = new AbortController();
  const { signal } = stopping;
  const client = await plane.connect(programUsers.hub);
  const builds = playBuilds({ client: plane.client, namespace: hubNamespace, registry, signal });
  const config = hubConfigSchema.parse({ images: { builder: 'builder:1' } });
  const identity = { namespace: hubNamespace, identity: 'bench', registryCa: registry.caPem };
  embeddedServer(plane).requests.clear();
  const hub = await startHub({ config, client, runtime, signal, ...identity });
  for (const name of modules) await apply(plane.client, name, registry.host);
  await served(plane.client, clusters);
  const costs = {
    builds: builds.count(),
    asked: registry.requests.filter(({ path }) => !path.includes('sha256:')).length,
    read: registry.requests.filter(({ path }) => path.includes('sha256:')).length,
    api: (await plane.requests(programUsers.hub)).length,
  };
  stopping.abort();
  await Promise.all([hub.stopped, builds.stopped]);
  await plane.stop();
  await registry.stop();
  return costs;
}

async function prepare(plane: Plane, clusters: number): Promise<void> {
  const { client } = plane;
  await plane.createNamespace(hubNamespace);
  const metadata = { namespace: hubNamespace, name: 'dockerfile' };
  const data = { dockerfile: 'FROM registry.example/base:1' };
  await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  const queue = new PQueue({ concurrency: 16 });
  for (let index = 0; index < clusters; index += 1) void queue.add(() => join(plane, `c${index}`));
  await queue.onIdle();
}

async function join(plane: Plane, name: string): Promise<void> {
  await plane.createNamespace(name);
  const { status, ...object } = managedCluster({ name, kernels });
  const { uid: _, ...metadata } = object.metadata;
  await plane.client.create(managedClusters, { ...object, metadata });
  const patch = { type: 'merge', body: { status } } as const;
  await plane.client.patch(managedClusters, { name }, patch, { subresource: 'status' });
}

async function apply(client: KubeClient, name: string, host: string): Promise<void> {
  const containerImage = `${host}/drivers/${name}:${variable('KERNEL_FULL_VERSION')}`;
  const container = {
    modprobe: { moduleName: name },
    kernelMappings: [{ regexp: '^.+$', containerImage }],
    build: { dockerfileConfigMap: { name: 'dockerfile' } },
  };
  const spec = { selector: {}, spokeNamespace, moduleSpec: moduleSpec({ moduleLoader: { container } }) };
  const apiVersion = 'hub.kmm.sigs.x-k8s.io/v1beta1';
  await client.create(managedClusterModules, { apiVersion, kind: 'ManagedClusterModule', metadata: { name }, spec });
}

/** Every cluster has a work of every module. */
async function served(client: KubeClient, clusters: number): Promise<void> {
  for (;;) {
    const found = await Promise.all(modules.map((name) => client.get(managedClusterModules, { name })));
    if (found.every((module: ManagedClusterModule | undefined) => module?.status?.rollout?.updated === clusters))
      return;
    await sleep(systemClock, lookEveryMs);
  }
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}
