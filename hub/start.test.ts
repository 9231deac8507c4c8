import assert from 'node:assert/strict';
import {
  type ManagedClusterModule,
  type ManagedClusterModuleSpec,
  type ManifestWork,
  managedClusterModules,
  managedClusters,
  manifestWorks,
} from '@open-cluster-management/api-types';
import { eventually } from '../e2e/world/eventually.ts';
import { embeddedServer, type Plane, startPlane } from '../e2e/world/fleet/plane.ts';
import { buildModuleImage } from '../e2e/world/registry/module-image.ts';
import { pushImage } from '../e2e/world/registry/push.ts';
import { type Registry, startRegistry } from '../e2e/world/registry/server.ts';
import { scaledClock, sleep, systemClock } from '../shared/core/clock.ts';
import { silentLog } from '../shared/core/log.ts';
import { annotations } from '../shared/kube/names.ts';
import { controllerRevisions, events } from '../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../shared/kube/runtime.ts';
import { createKubeClient } from '../shared/kube/transport.ts';
import { type HubConfig, hubConfigSchema } from './config.ts';
import { mappingsIn, viewWork } from './managed-cluster-module/work.ts';
import { startHub } from './start.ts';
import { answered, managedCluster, moduleSpec, spokeNamespace, variable } from './testing/pictures.ts';

const namespace = 'kmm-hub';
const [k5, k6] = ['5.14.0-1', '6.1.0-2'];
/** The hub's time runs faster than ours: 40 s of failing take 0.4 s. */
const runtime: Runtime = {
  clock: scaledClock(systemClock, 100),
  random: () => 0.5,
  log: silentLog,
  meters: silentMeters,
};

describe('the hub', () => {
  let plane: Plane;
  let registry: Registry;
  let stopHub: () => Promise<void>;

  beforeEach(async () => {
    plane = await startPlane({ name: 'hub', runtime, role: 'hub' });
    registry = await startRegistry({ clock: runtime.clock });
    await plane.createNamespace(namespace);
    stopHub = () => Promise.resolve();
  });

  afterEach(async () => {
    // A start that failed half-way leaves the others to be ended, or the process never does.
    await stopHub?.();
    await plane?.stop();
    await registry?.stop();
  });

  async function startTheHub(overrides: Partial<HubConfig> = {}): Promise<void> {
    const stopping = new AbortController();
    const client = createKubeClient({
      kubeconfig: { text: await plane.kubeconfig('hub') },
      userAgent: 'kmm-hub/test',
    });
    const running = await startHub({
      config: { ...hubConfigSchema.parse({}), ...overrides },
      namespace,
      client,
      runtime,
      signal: stopping.signal,
      identity: 'test',
      registryCa: registry.caPem,
    });
    stopHub = async () => {
      stopping.abort();
      await running.stopped;
      await client.close();
      stopHub = () => Promise.resolve();
    };
    await eventually('the hub is synced', () => running.synced());
  }

  async function push(repository: string, kernel: string, comment = kernel): Promise<string> {
    const image = await buildModuleImage({ kernels: {}, comment });
    return (await pushImage(registry, { repository, tag: kernel }, image)).pinned;
  }

  async function join(name: string, overrides: Omit<Parameters<typeof managedCluster>[0], 'name'> = {}): Promise<void> {
    if (name !== 'homeless') await plane.createNamespace(name);
    const { status, ...object } = managedCluster({ name, ...overrides });
    const { uid: _, ...metadata } = object.metadata;
    await plane.client.create(managedClusters, { ...object, metadata });
    await tell(name, overrides);
  }

  /** What the registration agent does. */
  async function tell(name: string, overrides: Omit<Parameters<typeof managedCluster>[0], 'name'>): Promise<void> {
    const { status } = managedCluster({ name, ...overrides });
    const patch = { type: 'merge', body: { status } } as const;
    await plane.client.patch(managedClusters, { name }, patch, { subresource: 'status' });
  }

  async function label(name: string, labels: Record<string, string | null>): Promise<void> {
    await plane.client.patch(managedClusters, { name }, { type: 'merge', body: { metadata: { labels } } });
  }

  function spec(overrides: Partial<ManagedClusterModuleSpec> = {}): ManagedClusterModuleSpec {
    const kernelMappings = [
      { regexp: '^5', containerImage: `${registry.host}/org/a:${variable('KERNEL_FULL_VERSION')}` },
      { regexp: '^6', containerImage: `${registry.host}/org/b:${variable('KERNEL_FULL_VERSION')}` },
    ];
    const moduleLoader = { container: { modprobe: { moduleName: 'kmm_ci_a' }, kernelMappings } };
    return { selector: {}, spokeNamespace, moduleSpec: moduleSpec({ moduleLoader }), ...overrides };
  }

  async function apply(wanted: ManagedClusterModuleSpec, name = 'm'): Promise<void> {
    const present = await module(name);
    const object = {
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ManagedClusterModule',
      metadata: { name },
      spec: wanted,
    };
    if (present === undefined) await plane.client.create(managedClusterModules, object);
    else {
      const operations = [{ op: 'replace', path: '/spec', value: wanted }] as const;
      await plane.client.patch(managedClusterModules, { name }, { type: 'json', operations });
    }
  }

  const module = (name = 'm'): Promise<ManagedClusterModule | undefined> =>
    plane.client.get(managedClusterModules, { name });
  const work = (cluster: string, name = 'm') => plane.client.get(manifestWorks, { namespace: cluster, name });

  async function condition(type: string): Promise<string | undefined> {
    const found = (await module())?.status?.conditions?.find((each) => each.type === type);
    return found && `${found.status} ${found.reason}: ${found.message}`;
  }

  function imagesIn(of: ManifestWork | undefined): Record<string, string> {
    const mappings = of === undefined ? [] : mappingsIn(viewWork(of, spokeNamespace).spec);
    return Object.fromEntries(mappings.map(({ literal, containerImage }) => [literal, containerImage]));
  }

  const hasKernels = (cluster: string, kernels: string[]) =>
    eventually(`the work of ${cluster} maps ${kernels}`, async () => {
      const present = await work(cluster);
      assert.deepEqual(Object.keys(imagesIn(present)), kernels);
      return present;
    });

  /** What the work agent does: the work is applied, and every node has the module. */
  async function answer(cluster: string, nodes = [1, 1, 0, 0], errors: object[] = []): Promise<void> {
    const present = await eventually(`a work of ${cluster}`, () => work(cluster));
    const state = present.metadata.annotations?.[annotations.state] ?? '';
    const report = JSON.stringify({ v: 1, nodes, kernels: {}, errors });
    const transition = { transition: new Date(runtime.clock.now()).toISOString() };
    const generation = { generation: present.metadata.generation ?? 1 };
    const { status } = answered(present, { state, report }, { ...transition, ...generation });
    const patch = { type: 'merge', body: { status } } as const;
    await plane.client.patch(manifestWorks, present.metadata, patch, { subresource: 'status' });
  }

  const writesOfHub = () => embeddedServer(plane).requests.writes({ userAgent: 'kmm-hub/test' });

  it('ships a work when the images are there, says Ready when the cluster does, and then rests [145] [146] [153]', async () => {
    await join('c1', { kernels: [`${k5}+`] });
    await apply(spec());
    await startTheHub();
    await eventually('the missing image is named', async () => {
      assert.match((await condition('ImagesReady')) ?? '', new RegExp(`^False ImageMissing: .*${k5}`));
      assert.equal(await work('c1'), undefined);
      return true;
    });
    const pinned = await push('org/a', k5);
    const made = await hasKernels('c1', [k5]);
    assert.equal(imagesIn(made)[k5], pinned);
    const [owner] = made.metadata.ownerReferences ?? [];
    assert.deepEqual([owner?.kind, owner?.name, owner?.controller], ['ManagedClusterModule', 'm', true]);
    assert.deepEqual(made.metadata.labels, { 'kmm.node.kubernetes.io/managedclustermodule.name': 'm' });
    await answer('c1');
    const ready = await eventually('Ready', async () => {
      const seen = await module();
      return seen?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
        ? seen
        : undefined;
    });
    const { numberDesired, numberApplied, numberDegraded, rollout, observedGeneration } = ready.status ?? {};
    assert.deepEqual([numberDesired, numberApplied, numberDegraded, observedGeneration], [1, 1, 0, 1]);
    assert.equal(rollout?.revision, made.metadata.annotations?.[annotations.revision]);
    embeddedServer(plane).requests.clear();
    await answer('c1');
    // A minute of the hub's time: longer than any of its intervals, back-offs apart.
    await sleep(systemClock, 600);
    assert.deepEqual(writesOfHub(), []);
    assert.deepEqual(embeddedServer(plane).requests.matching({ userAgent: 'kmm-hub/test' }), []);
    await stopHub();
    await startTheHub();
    await sleep(systemClock, 600);
    assert.deepEqual(writesOfHub(), [], 'a restart finds everything as it should be');
  });

  it('adds a new kernel, drops a cluster that loses its labels, serves one that gains them [154] [155] [156]', async () => {
    const pinned = { [k5]: await push('org/a', k5), [k6]: await push('org/b', k6) };
    await join('c1', { kernels: [k5], labels: { tier: 'edge' } });
    await join('c2', { kernels: [k6] });
    await startTheHub();
    await apply(spec({ selector: { tier: 'edge' } }));
    await hasKernels('c1', [k5]);
    await tell('c1', { kernels: [k5, k6] });
    assert.deepEqual(imagesIn(await hasKernels('c1', [k5, k6])), pinned);
    assert.equal(await work('c2'), undefined);
    await label('c1', { tier: null });
    await label('c2', { tier: 'edge' });
    await hasKernels('c2', [k6]);
    await eventually('the work of c1 is gone', async () => (await work('c1')) === undefined);
  });

  it('puts a work back that somebody edits, and leaves foreign labels and annotations [158]', async () => {
    await push('org/a', k5);
    await join('c1', { kernels: [k5] });
    await startTheHub();
    await apply(spec());
    const made = await hasKernels('c1', [k5]);
    const edited = structuredClone(made);
    const [manifest] = edited.spec.workload?.manifests ?? [];
    Object.assign(manifest?.['spec'] as object, { selector: { hacked: 'yes' } });
    // Without our label it is out of the hub's sight.
    edited.metadata.labels = { team: 'x' };
    await plane.client.replace(manifestWorks, edited);
    const restored = await eventually('the spec is put back', async () => {
      const present = await work('c1');
      assert.deepEqual(present?.spec.workload, made.spec.workload);
      return present;
    });
    assert.equal(restored.metadata.labels?.['team'], 'x');
    assert.equal(restored.metadata.labels?.['kmm.node.kubernetes.io/managedclustermodule.name'], 'm');
  });

  it('gives a later cluster the digest that the fleet has, although the tag moved and the hub restarted [150]', async () => {
    const pinned = await push('org/a', k5);
    await join('c1', { kernels: [k5] });
    await apply(spec());
    await startTheHub();
    await hasKernels('c1', [k5]);
    await answer('c1');
    await eventually('Ready', async () => (await condition('Ready'))?.startsWith('True'));
    await stopHub();
    await push('org/a', k5, 'another content');
    embeddedServer(plane).requests.clear();
    await startTheHub();
    await join('c2', { kernels: [k5] });
    assert.equal(imagesIn(await hasKernels('c2', [k5]))[k5], pinned);
    await answer('c2');
    await eventually('Ready', async () => /all 2 reachable/.test((await condition('Ready')) ?? ''));
    assert.deepEqual(
      writesOfHub().filter(({ resource, path }) => resource === 'manifestworks' && path.includes('/c1/')),
      [],
    );
  });

  it('leaves a work of someone else alone and names it, and serves the others [159] [T28] [T29]', async () => {
    await push('org/a', k5);
    for (const name of ['c1', 'c2', 'homeless']) await join(name, { kernels: [k5] });
    const foreign: ManifestWork = {
      apiVersion: 'work.open-cluster-management.io/v1',
      kind: 'ManifestWork',
      metadata: { name: 'm', namespace: 'c1', labels: { mine: 'yes' } },
      spec: {
        workload: { manifests: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'x' } }] },
      },
    };
    const made = await plane.client.create(manifestWorks, foreign);
    await startTheHub();
    await apply(spec());
    await hasKernels('c2', [k5]);
    await eventually('both troubles are told', async () => {
      const clusters = (await module())?.status?.clusters ?? [];
      const told = Object.fromEntries(clusters.map(({ name, reason }) => [name, reason]));
      assert.equal(told['c1'], 'ForeignWork');
      assert.equal(told['homeless'], 'WorkWriteFailed');
      assert.match((await condition('Degraded')) ?? '', /^True/);
      return true;
    });
    assert.deepEqual(await work('c1'), made);
    await plane.createNamespace('homeless');
    await hasKernels('homeless', [k5]);
  });

  it('keeps a version per spec, moves all clusters to a new one, and reuses the old one after an undo', async () => {
    await push('org/a', k5);
    await join('c1', { kernels: [k5] });
    await startTheHub();
    const revisionOf = async () => (await work('c1'))?.metadata.annotations?.[annotations.revision];
    const first = spec();
    const second = spec({ moduleSpec: { ...first.moduleSpec!, tolerations: [{ operator: 'Exists' }] } });
    const names: (string | undefined)[] = [];
    for (const wanted of [first, second, first]) {
      await apply(wanted);
      names.push(
        await eventually('another version', async () => {
          const name = await revisionOf();
          return name === names.at(-1) ? undefined : name;
        }),
      );
    }
    assert.equal(names[0], names[2]);
    const kept = (await plane.client.list(controllerRevisions, { namespace })).items;
    const numbers = Object.fromEntries(kept.map(({ metadata, revision }) => [metadata.name, revision]));
    assert.deepEqual(numbers, { [names[0]!]: 3, [names[1]!]: 2 });
  });

  it('tells which node fails and why, once it failed for 40 seconds [T20]', async () => {
    await push('org/a', k5);
    await join('c1', { kernels: [k5] });
    await startTheHub();
    await apply(spec());
    await hasKernels('c1', [k5]);
    const error = { node: 'n1', kernel: k5, reason: 'RequiredKeyNotAvailable', message: 'Required key not available' };
    await answer('c1', [1, 0, 1, 0], [error]);
    await eventually('the failure is told', async () => {
      assert.match((await condition('Ready')) ?? '', /^False LoadFailed: .*n1 RequiredKeyNotAvailable/);
      assert.match((await condition('Degraded')) ?? '', /^True LoadFailed/);
      const told = (await plane.client.list(events)).items.map(({ reason, type }) => `${type} ${reason}`);
      assert.ok(told.includes('Warning LoadFailed'), told.join());
      return true;
    });
    await answer('c1');
    await eventually('Ready', async () => (await condition('Ready'))?.startsWith('True'));
  });

  it('leaves the works to the garbage collector when the module is deleted [157]', async () => {
    await push('org/a', k5);
    await join('c1', { kernels: [k5] });
    await join('c2', { kernels: [k5] });
    await startTheHub();
    await apply(spec());
    await hasKernels('c1', [k5]);
    await hasKernels('c2', [k5]);
    await plane.client.delete(managedClusterModules, { name: 'm' });
    await eventually('nothing is left', async () => {
      const left = (await plane.client.list(manifestWorks)).items.length;
      return left + (await plane.client.list(controllerRevisions, { namespace })).items.length === 0;
    });
  });

  it('touches nothing but works, versions, the status and events: no pod, no node, no DaemonSet [161]', async () => {
    await push('org/a', k5);
    await join('c1', { kernels: [k5] });
    await startTheHub();
    await apply(spec());
    await hasKernels('c1', [k5]);
    await answer('c1');
    await eventually('Ready', async () => (await condition('Ready'))?.startsWith('True'));
    const asked = embeddedServer(plane)
      .requests.matching({ userAgent: 'kmm-hub/test' })
      .map(({ resource }) => resource);
    // Of Jobs, their pods, and of what images are made from, it only listens; this module has no image to be made.
    const listened = ['jobs', 'pods', 'configmaps', 'secrets'];
    const allowed = [
      ...['managedclustermodules', 'managedclusters', 'manifestworks', 'controllerrevisions', 'events'],
      ...listened,
      // Whether this is OpenShift: no objects, only which kinds there are.
      '',
    ];
    assert.deepEqual(
      [...new Set(asked)].filter((name) => !allowed.includes(name.replace('/status', ''))),
      [],
    );
    const written = new Set(writesOfHub().map(({ resource }) => resource));
    assert.deepEqual(
      [...written].filter((name) => ['managedclusters', ...listened].includes(name)),
      [],
    );
  });

  it('ignores and names what is no kernel, and a kernel that no mapping matches', async () => {
    const pinned = await push('org/a', k5);
    await join('c1', { kernels: [k5, '4.18.0-3', '$(reboot)'] });
    await startTheHub();
    await apply(spec());
    assert.deepEqual(imagesIn(await hasKernels('c1', [k5])), { [k5]: pinned });
    await eventually('both are named', async () => {
      const { ignoredKernels, unmappedKernels } = (await module())?.status ?? {};
      assert.deepEqual(ignoredKernels, [{ cluster: 'c1', text: '$(reboot)', reason: 'NotAKernelVersion' }]);
      assert.deepEqual(unmappedKernels, [{ kernelVersion: '4.18.0-3', clusters: 1, exampleCluster: 'c1' }]);
      return true;
    });
  });

  it('ships nothing new while it is paused, and says so; a new kernel is served from the version that a cluster has', async () => {
    const pinned = { [k5]: await push('org/a', k5), [k6]: await push('org/b', k6) };
    await join('c1', { kernels: [k5] });
    await startTheHub();
    await apply(spec());
    const made = await hasKernels('c1', [k5]);
    const { moduleSpec: before } = spec();
    await apply(spec({ moduleSpec: { ...before!, tolerations: [{ operator: 'Exists' }] }, rollout: { paused: true } }));
    await join('c2', { kernels: [k5] });
    await eventually('it says so', async () => /^False Paused/.test((await condition('Progressing')) ?? ''));
    await tell('c1', { kernels: [k5, k6] });
    const grown = await hasKernels('c1', [k5, k6]);
    assert.deepEqual(imagesIn(grown), pinned);
    const revisionOf = (of: ManifestWork) => of.metadata.annotations?.[annotations.revision];
    assert.equal(revisionOf(grown), revisionOf(made));
    assert.equal(await work('c2'), undefined);
  });

  it('keeps what it shipped while the registry is down, and serves a new cluster when it is back', async () => {
    await push('org/a', k5);
    await push('org/b', k6);
    await join('c1', { kernels: [k5] });
    await startTheHub();
    await apply(spec());
    const made = await hasKernels('c1', [k5]);
    registry.fault = () => ({ reply: { status: 503, headers: {}, body: Buffer.alloc(0) } });
    await join('c2', { kernels: [k6] });
    await eventually('the outage is told', async () => /^Unknown/.test((await condition('ImagesReady')) ?? ''));
    assert.equal(await work('c2'), undefined);
    assert.deepEqual((await work('c1'))?.spec, made.spec);
    registry.fault = () => undefined;
    await hasKernels('c2', [k6]);
  });
});
