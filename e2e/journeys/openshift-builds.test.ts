import assert from 'node:assert/strict';
import type { ModuleSpec } from '@open-cluster-management/api-types';
import type { OpenShiftBuild } from '../../shared/build/openshift-build.ts';
import { builds } from '../../shared/build/openshift-kinds.ts';
import { Cache } from '../../shared/kube/cache.ts';
import type { Job, KubeObject, Resource } from '../../shared/kube/object.ts';
import { events, jobs } from '../../shared/kube/resources.ts';
import { serviceAccounts } from '../world/control-plane/service-account.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { hubNamespace, programUsers, pullSecret } from '../world/fleet/fleet.ts';
import { loadedModules } from '../world/fleet/observe.ts';
import { unlessAway } from '../world/openshift/api-away.ts';
import { type OpenShiftBuilds, serveBuilds, startOpenShiftBuilds } from '../world/openshift/builds.ts';
import { ImageInputs, dockerfile as plain, signedBy, variable } from './image-inputs.ts';
import { untilImagesReady } from './image-steps.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

/** With a Secret that has to be there. */
const dockerfile = plain.replace('make all', 'cat /run/secrets/token/key && make all');
const failing = dockerfile.replace('make all', 'make all && exit 1');
const osBuild = '417.94.202410160352-0';
const toolkit = 'registry.example/openshift/driver-toolkit:417';
const gcDelaySeconds = 20;
const builder = { namespace: hubNamespace, name: 'builder' };

describe('a hub on OpenShift', () => {
  let stage: Stage;
  let openShift: OpenShiftBuilds;
  /** OpenShift's own API server does not answer. */
  let isAway = true;
  /** Of the hub's configuration, as it reads it when it starts. */
  const limits = { concurrency: 1, timeout: '1h' };
  const watching = new AbortController();
  /** All that ever was there, by UID, as it was last seen. */
  const everBuilds = new Map<string, OpenShiftBuild>();
  const everJobs = new Map<string, Job>();
  /** When Builds were seen to be gone, on the clock of the world. */
  const goneAtMs = new Map<string, number>();
  const hub = () => stage.fleet.hub.client;
  const inputs = new ImageInputs(hub, hubNamespace);

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] }], {
      builder: { release: kernels.el9, osImage: `Red Hat Enterprise Linux CoreOS ${osBuild}` },
      hubConfig: { job: { gcDelay: `${gcDelaySeconds}s` }, builds: limits },
      hubClient: unlessAway(() => isAway),
      serveOnHub: serveBuilds,
      async prepare(fleet, runtime) {
        openShift = await startOpenShiftBuilds(fleet, runtime);
        const { client } = fleet.hub;
        const keep = <T extends KubeObject>(resource: Resource<T>, into: Map<string, T>) => {
          const cache = new Cache({ client, runtime, resource, namespace: hubNamespace });
          cache.subscribe(({ previous, current }) => {
            if (current) into.set(current.metadata.uid ?? '', current);
            else goneAtMs.set(previous?.metadata.uid ?? '', runtime.clock.now());
          });
          cache.start(watching.signal);
        };
        keep(builds, everBuilds);
        keep(jobs, everJobs);
      },
    });
    await inputs.secret('token', 'build', { key: 'a token' });
    await inputs.keyPair('signing', 'sign');
    await inputs.configMap('nic-dockerfile', { dockerfile });
  });
  after(async () => {
    watching.abort();
    await openShift?.stop();
    await stage?.stop();
  });

  const write = (text: string) => inputs.writeDockerfile('nic-dockerfile', text);

  /** What is built and signed, as `drivers/<repository>`. */
  function spec(repository: string, build: Record<string, unknown> = {}): ModuleSpec {
    const containerImage = `${stage.fleet.registry.host}/drivers/${repository}:${variable('KERNEL_FULL_VERSION')}`;
    return {
      selector: { 'node-role.kubernetes.io/worker': '' },
      imageRepoSecret: { name: pullSecret },
      moduleLoader: {
        container: {
          modprobe: { moduleName: 'nic', dirName: '/opt' },
          kernelMappings: [{ regexp: '^.+$', containerImage }],
          build: { dockerfileConfigMap: { name: 'nic-dockerfile' }, secrets: [{ name: 'token' }], ...build },
          sign: signedBy('signing'),
        },
      },
    };
  }

  const imagesReady = (expected: RegExp, name = 'nic') => untilImagesReady(stage.fleet, name, expected);

  /** All that ever pushed there, oldest first. */
  const buildsOf = (repository: string) =>
    [...everBuilds.values()].filter(({ spec: { output } }) => output.to.name.includes(`/drivers/${repository}:`));
  const stepOf = ({ metadata }: KubeObject) => metadata.labels?.['kmm.openshift.io/build.type'];
  const untilThereAre = (count: number, repository: string) =>
    eventually(`${count} Builds of ${repository}`, () => {
      const found = buildsOf(repository);
      return found.length === count || Promise.reject(new Error(`${found.length}`));
    });

  it('starts while OpenShift’s API is away, serves what needs no Build, and says what the others wait for [63]', async () => {
    await pushDriver(stage.fleet, { repository: 'drivers/plain', module: 'plain', kernels: [kernels.el9] });
    await stage.apply('plain', fleetSpec(driverSpec(stage.fleet, 'drivers/plain')));
    await stage.apply('nic', fleetSpec(spec('nic')));
    await stage.ready('plain');
    await imagesReady(
      /^False BuildQueued.*waits until the API server says whether it serves OpenShift's Builds.*unable/,
    );
    assert.deepEqual([everBuilds.size, everJobs.size], [0, 0]);
    await stage.remove('plain');
  });

  it('begins nothing while no toolkit is known for the kernel, and says so [67]', async () => {
    isAway = false;
    await imagesReady(/^False ToolkitUnknown.*no tag 417\.94\.202410160352-0/);
    assert.deepEqual([everBuilds.size, everJobs.size], [0, 0]);
  });

  it('builds by a Build with the toolkit of its node’s OS, and the node of the fleet loads it [63] [67] [74]', async () => {
    await openShift.tagToolkits({ [osBuild]: toolkit, '416.94.202409191851-0': 'registry.example/older' });
    await stage.ready('nic');
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n1'), ['nic']);
    const [build, ...others] = buildsOf('nic');
    assert.deepEqual(others, []);
    const { strategy, serviceAccount, mountTrustedCA, output } = build!.spec;
    const args = Object.fromEntries(strategy.dockerStrategy.buildArgs.map(({ name, value }) => [name, value]));
    assert.deepEqual([args['DTK_AUTO'], args['KERNEL_FULL_VERSION']], [toolkit, kernels.el9]);
    assert.deepEqual([serviceAccount, mountTrustedCA, output.pushSecret?.name], ['builder', true, pullSecret]);
  });

  it('mounts Secrets at /run/secrets/<name>, and signs by our own Job [68] [83]', async () => {
    // The build reads the Secret, or it fails.
    assert.match(buildsOf('nic')[0]?.spec.source.dockerfile ?? '', /cat \/run\/secrets\/token\/key/);
    assert.deepEqual([...everJobs.values()].map(stepOf), ['sign']);
    const { store } = stage.fleet.registry;
    const digest = buildsOf('nic')[0]?.status?.output?.to?.imageDigest;
    const unsigned = store.manifest('drivers/nic', `${kernels.el9}-${hubNamespace}_nic_kmm_unsigned`);
    assert.equal(digest, unsigned?.digest);
    assert.notEqual(store.manifest('drivers/nic', kernels.el9)?.digest, digest);
  });

  it('tells of it by events that name the Build [79]', async () => {
    const { name } = buildsOf('nic')[0]!.metadata;
    for (const reason of ['BuildCreated', 'BuildSucceeded']) {
      const note = await eventually(reason, async () => {
        const { items } = await hub().list(events, { namespace: 'default' });
        return items.find((event) => event.reason === reason)?.note;
      });
      assert.ok(note.includes(`by Build ${name}`) && note.includes(kernels.el9), note);
    }
  });

  it('removes the Build, not before job.gcDelay is over [77]', async () => {
    const { uid = '' } = buildsOf('nic')[0]!.metadata;
    const gone = await eventually('the Build is gone', () => goneAtMs.get(uid));
    const ended = Date.parse(buildsOf('nic')[0]?.status?.completionTimestamp ?? '');
    assert.ok(gone - ended >= (gcDelaySeconds - 1) * 1000, `it stayed ${gone - ended} ms`);
  });

  it('replaces a Build whose Dockerfile changes, and makes one that is deleted by hand again, once [75] [T8] [T10]', async () => {
    await stage.fleet.builder!.cordon();
    await stage.edit('nic', { moduleSpec: spec('nic-2') });
    await untilThereAre(1, 'nic-2');
    await imagesReady(/^False ImageBuilding.*its pod does not start: Unschedulable/);
    await hub().delete(builds, buildsOf('nic-2')[0]!.metadata, { propagationPolicy: 'Background' });
    await untilThereAre(2, 'nic-2');
    await write(failing);
    await untilThereAre(3, 'nic-2');
    const texts = buildsOf('nic-2').map(({ spec: { source } }) => source.dockerfile);
    assert.deepEqual(texts, [dockerfile, dockerfile, failing]);
    await stage.fleet.builder!.uncordon();
  });

  it('shows the end of the log of a Build that fails, and builds again once it is mended [75] [76]', async () => {
    await imagesReady(/^False BuildFailed.*DockerBuildFailed: .*exit status 1/);
    assert.equal(stage.fleet.registry.store.tags('drivers/nic-2'), undefined);
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n1'), ['nic']);
    await write(dockerfile);
    await eventually('another Build succeeds', () => buildsOf('nic-2')[3]?.status?.phase === 'Complete');
    const phases = buildsOf('nic-2').map(({ status }) => status?.phase);
    assert.ok(!phases.includes('Error'), `none was in the way of its successor: ${phases}`);
  });

  it('says why a Build gets no pod, gives it up after builds.timeout, and lets others have its place [75] [76]', async () => {
    limits.timeout = '1m';
    await stage.restartHub();
    const account = await hub().get(serviceAccounts, builder);
    await hub().delete(serviceAccounts, builder);
    await stage.edit('nic', { moduleSpec: spec('nic-4') });
    await imagesReady(/^False ImageBuilding.*its pod does not start: CannotCreateBuildPod: Failed creating build pod/);
    const byJob = spec('gpu', { baseImageRegistryTLS: { insecureSkipTLSVerify: true } });
    await stage.apply('gpu', fleetSpec(byJob));
    await imagesReady(/^False BuildQueued.*builds\.concurrency/, 'gpu');
    assert.deepEqual(buildsOf('nic-4')[0]?.status?.phase, 'New');
    await imagesReady(/^False BuildFailed.*attempt 1.*no pod that starts for builds\.timeout: CannotCreateBuildPod/);
    await eventually('a Job has its place', () => [...everJobs.values()].some((each) => stepOf(each) === 'build'));
    assert.equal(buildsOf('nic-4').length, 1);
    await stage.remove('gpu');
    await hub().create(serviceAccounts, { ...account!, metadata: builder });
    limits.timeout = '1h';
    await stage.restartHub();
    await eventually('a second Build succeeds', () => buildsOf('nic-4')[1]?.status?.phase === 'Complete');
    assert.equal(buildsOf('nic-4').length, 2);
  });

  it('builds by a Job what needs options that a Build has not [70] [207] [217]', async () => {
    const before = everBuilds.size;
    await stage.edit('nic', { moduleSpec: spec('nic-3', { baseImageRegistryTLS: { insecureSkipTLSVerify: true } }) });
    const isNew = (each: Job) => stepOf(each) === 'build' && !each.metadata.name.startsWith('gpu');
    const job = await eventually('a Job builds', () => [...everJobs.values()].find(isNew));
    const environment = job.spec.template.spec?.containers[0]?.env ?? [];
    assert.equal(environment.find(({ name }) => name === 'KMM_BASE_TLS_VERIFY')?.value, 'false');
    assert.equal(everBuilds.size, before);
  });

  it('reads a Dockerfile once for each Build that it makes', async () => {
    const asked = await stage.fleet.hub.requests(programUsers.hub);
    const reads = asked.filter(({ verb, resource }) => verb === 'get' && resource === 'configmaps').length;
    // And once when it found no toolkit; when the cache was older than the text, twice.
    assert.ok(reads > everBuilds.size && reads <= everBuilds.size + 3, `${reads} for ${everBuilds.size}`);
  });
});
