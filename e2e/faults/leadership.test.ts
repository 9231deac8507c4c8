import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { managedClusterModules, managedClusters } from '@open-cluster-management/api-types';
import { stringify } from 'yaml';
import { hubConfigSchema } from '../../hub/config.ts';
import { startHub } from '../../hub/start.ts';
import { sleep, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { kernelClaim } from '../../shared/kube/names.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { programEnvironmentSchema } from '../../shared/process/config.ts';
import { runProgram } from '../../shared/process/program.ts';
import { fleetSpec, kernels } from '../journeys/stage.ts';
import type { Fault } from '../world/api-server/faults/faults.ts';
import { eventually } from '../world/eventually.ts';
import { hubNamespace } from '../world/fleet/fleet.ts';
import { embeddedServer, type Plane, startPlane } from '../world/fleet/plane.ts';

const faults: readonly { name: string; fault: Fault }[] = [
  { name: 'are never answered', fault: { type: 'half-open', forgotten: true } },
  { name: 'are performed and not answered', fault: { type: 'drop', performed: true } },
  { name: 'come later than the deadline', fault: { type: 'delay', delayMs: 4_000 } },
];
const leaderElection = { leaseDuration: '3s', renewDeadline: '2s', retryPeriod: '500ms' };
const program = {
  name: 'kmm-hub',
  version: 'test',
  leaseName: 'kmm-hub.sigs.x-k8s.io',
  configSchema: hubConfigSchema,
  environmentSchema: programEnvironmentSchema,
  requirements: () => [],
  start: (context: Omit<Parameters<typeof startHub>[0], 'namespace' | 'registryCa'>) =>
    startHub({ ...context, namespace: hubNamespace }),
};

/** Two hub programs in this process, each a user of its own, and somebody who gives them something to write all the time. */
describe('a hub stops writing before another one starts when its requests for the lease', () => {
  let plane: Plane;
  let folder: string;
  beforeEach(async () => {
    const runtime: Runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
    plane = await startPlane({ name: 'hub', runtime, role: 'hub' });
    folder = await mkdtemp(join(tmpdir(), 'leadership-'));
    await plane.createNamespace(hubNamespace);
    await addCluster(plane, 'edge-1');
    await addModule(plane, 'nic');
  });
  afterEach(async () => {
    await plane.stop();
    await rm(folder, { recursive: true });
  });

  async function startReplica(user: string): Promise<{ code: Promise<number>; terminate(): void }> {
    const config = join(folder, `${user}.yaml`);
    const kubeconfig = join(folder, `${user}.kubeconfig`);
    const loopback = { healthProbeBindAddress: '127.0.0.1:0', metrics: { bindAddress: '127.0.0.1:0' } };
    await writeFile(config, stringify({ ...loopback, leaderElection }));
    await writeFile(kubeconfig, await plane.kubeconfig(user));
    const ends = new Set<(signal: string) => void>();
    const code = runProgram(program, {
      arguments: ['--config', config],
      environment: { OPERATOR_NAMESPACE: hubNamespace, KUBECONFIG: kubeconfig },
      hostname: user,
      say: () => undefined,
      onTermination(listener) {
        ends.add(listener);
        return () => ends.delete(listener);
      },
      keepAlive: () => () => undefined,
      logDestination: { write: () => undefined },
    });
    return {
      code,
      terminate() {
        for (const end of ends) end('SIGTERM');
      },
    };
  }
  const works = (user: string) => embeddedServer(plane).requests.writes({ user, resource: 'manifestworks' });

  for (const { name, fault } of faults) {
    it(`${name} [197]`, async () => {
      const first = await startReplica('hub-a');
      await eventually('the first hub writes', () => works('hub-a').length > 0);
      const second = await startReplica('hub-b');
      const editing = new AbortController();
      const edited = editAll(plane, 'nic', editing.signal);
      embeddedServer(plane).faults.add({ fault, user: 'hub-a', resources: ['leases'] });
      const before = works('hub-a').length;
      await eventually('the second hub writes', () => works('hub-b').length > 0);
      assert.ok(works('hub-a').length > before, 'the first hub went on until it lost its lease');
      assert.equal(await first.code, 1);
      editing.abort();
      await edited;
      second.terminate();
      assert.equal(await second.code, 0);
      const { entries } = embeddedServer(plane).requests;
      const isWrite = (verb: string) => !['get', 'list', 'watch'].includes(verb);
      const last = entries.findLastIndex(
        ({ user, verb, resource }) => user === 'hub-a' && isWrite(verb) && resource !== 'leases',
      );
      const taken = entries.findIndex(
        ({ user, resource, status, verb }) =>
          user === 'hub-b' && resource === 'leases' && isWrite(verb) && status === 200,
      );
      assert.ok(last < taken, `expected the last write (${last}) before the lease was taken (${taken})`);
    });
  }
});

/** Somebody changes the module's parameters again and again. */
async function editAll(plane: Plane, name: string, signal: AbortSignal): Promise<void> {
  for (let count = 0; !signal.aborted; count++) {
    const modprobe = { parameters: [`count=${count}`] };
    const body = { spec: { moduleSpec: { moduleLoader: { container: { modprobe } } } } };
    await plane.client.patch(managedClusterModules, { name }, { type: 'merge', body });
    await sleep(systemClock, 100, signal);
  }
}

async function addCluster({ client, createNamespace }: Plane, name: string): Promise<void> {
  await client.create(managedClusters, {
    apiVersion: 'cluster.open-cluster-management.io/v1',
    kind: 'ManagedCluster',
    metadata: { name },
    spec: { hubAcceptsClient: true },
  });
  await createNamespace(name);
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const available = { type: 'ManagedClusterConditionAvailable', status: 'True', reason: 'Up', message: '' };
  const status = {
    conditions: [{ ...available, lastTransitionTime }],
    clusterClaims: [{ name: kernelClaim, value: kernels.el9 }],
  };
  await client.patch(managedClusters, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
}

async function addModule({ client }: Plane, name: string): Promise<void> {
  const kernelMappings = [{ regexp: '^.+$', containerImage: 'registry.example/nic:1' }];
  const moduleLoader = { container: { modprobe: { moduleName: name }, kernelMappings } };
  await client.create(managedClusterModules, {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name },
    spec: { ...fleetSpec({ selector: { worker: '' }, moduleLoader }), imageCheck: 'Skip' },
  });
}
