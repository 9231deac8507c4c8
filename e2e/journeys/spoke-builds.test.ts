import assert from 'node:assert/strict';
import { type Module, type ModuleSpec, modules } from '@open-cluster-management/api-types';
import { scaledClock, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { KubeObject } from '../../shared/kube/object.ts';
import { configMaps, daemonSets, events, jobs, pods } from '../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { spokeConfigSchema, workerSchema } from '../../spoke/config.ts';
import { purposeOf } from '../../spoke/pods.ts';
import { startSpoke } from '../../spoke/start.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import {
  operatorNamespace,
  programUsers,
  pullSecret,
  type StandInFleet,
  spokeNamespace,
  startFleet,
} from '../world/fleet/fleet.ts';
import { withholdImages } from '../world/fleet/image-rights.ts';
import { conditionOf, loadedModules } from '../world/fleet/observe.ts';
import { dockerfile, ImageInputs, signedBy } from './image-inputs.ts';
import { Program } from './programs.ts';
import { kernels } from './stage.ts';

const timeFactor = 10;
const namespace = spokeNamespace;

describe('a cluster without a hub builds and signs what its own Modules ask for', () => {
  const clock = scaledClock(systemClock, timeFactor);
  const runtime: Runtime = { clock, random: Math.random, log: silentLog, meters: silentMeters };
  let fleet: StandInFleet;
  let program: Program;
  let allow: () => Promise<void>;

  const client = () => fleet.spoke('s1').plane.client;
  const inputs = new ImageInputs(client, namespace);
  const node = (name: string) => fleet.spoke('s1').node(name);
  const read = (name: string) => client().get(modules, { namespace, name });
  const asked = (repository: string) => fleet.registry.requests.filter(({ path }) => path.includes(repository));

  before(async () => {
    const nodeSpecs = ['n1', 'n2'].map((name) => ({ name, kernel: { release: kernels.el9 } }));
    fleet = await startFleet({ spokes: [{ name: 's1', nodes: nodeSpecs }], runtime, timeFactor, spokesBuild: true });
    const { plane } = fleet.spoke('s1');
    await fleet.spoke('s1').disconnect();
    allow = await withholdImages(plane);
    const images = { builder: fleet.builderImage, signer: fleet.signerImage };
    program = new Program(
      () => plane.connect(programUsers.spoke),
      (connected, signal) =>
        startSpoke({
          client: connected,
          runtime,
          settings: { toolsImage: fleet.toolsImage, operatorNamespace, worker: workerSchema.parse({}) },
          managed: false,
          identity: 'spoke-1',
          images: {
            config: spokeConfigSchema.parse({ images, job: { gcDelay: '1m' } }),
            registryCa: fleet.registry.caPem,
          },
          signal,
        }),
    );
    await program.start();
    await inputs.keyPair('signing', 'sign');
    await inputs.toolkits([kernels.el9, kernels.debian]);
    await inputs.configMap('nic-dockerfile', { dockerfile });
  });
  after(async () => {
    await program.stop();
    await fleet.stop();
  });

  function imageOf(repository: string): string {
    return `${fleet.registry.host}/drivers/${repository}:\${KERNEL_FULL_VERSION}`;
  }

  function spec(module: string, repository: string, container: object = {}): ModuleSpec {
    return {
      selector: { 'node-role.kubernetes.io/worker': '' },
      imageRepoSecret: { name: pullSecret },
      moduleLoader: {
        container: {
          modprobe: { moduleName: module, dirName: '/opt' },
          kernelMappings: [{ regexp: '^.+$', containerImage: imageOf(repository) }],
          ...container,
        },
      },
    };
  }

  const made = {
    build: { dockerfileConfigMap: { name: 'nic-dockerfile' } },
    sign: signedBy('signing'),
  };

  async function create(name: string, wanted: ModuleSpec): Promise<void> {
    const metadata = { namespace, name };
    const object = { apiVersion: 'kmm.sigs.x-k8s.io/v1beta1', kind: 'Module', metadata, spec: wanted };
    await client().create(modules, object as Module);
  }

  async function edit(name: string, body: object): Promise<void> {
    await client().patch(modules, { namespace, name }, { type: 'merge', body: { spec: body } });
  }

  function until(name: string, type: string, expected: RegExp): Promise<Module> {
    return eventually(`${type} of ${name} is ${expected}`, async () => {
      const module = await read(name);
      const isCurrent = module?.status?.observedGeneration === module?.metadata.generation;
      if (module && isCurrent && expected.test(conditionOf(module, type))) return module;
      throw new Error(JSON.stringify(module?.status));
    });
  }

  async function listJobs(): Promise<readonly KubeObject[]> {
    return (await client().list(jobs, { namespace })).items;
  }

  /** What was made so far, by the events that were told of it; each is told once. */
  async function told(reason: string): Promise<string[]> {
    const { items } = await client().list(events, { namespace });
    return items.filter((event) => event.reason === reason).map(({ note }) => note);
  }

  async function loaders(name: string) {
    const { items } = await client().list(daemonSets, { namespace, labelSelector: `${labels.moduleName}=${name}` });
    return items.filter((each) => purposeOf(each) === 'load');
  }

  async function loaderPods(name: string): Promise<string[]> {
    const { items } = await client().list(pods, { namespace, labelSelector: `${labels.moduleName}=${name}` });
    return items.filter((pod) => purposeOf(pod) === 'load').map(({ metadata }) => metadata.uid ?? '');
  }

  it('asks no registry for what others make, and needs no right for it', async () => {
    await pushDriver(fleet, { repository: 'drivers/ready', module: 'ready', kernels: [kernels.el9] });
    const before = asked('drivers/ready').length;
    await create('ready', spec('ready', 'ready'));
    const module = await until('ready', 'Ready', /^True/);
    assert.equal(conditionOf(module, 'ImagesReady'), 'absent');
    assert.ok(asked('drivers/ready').length > before, 'the nodes have pulled it');
    const hasRun = await fleet.spoke('s1').plane.requests(programUsers.spoke);
    assert.deepEqual(
      hasRun.filter(({ resource }) => /^(secrets|configmaps|jobs|selfsubjectaccessreviews)$/.test(resource)),
      [],
    );
  });

  it('makes nothing in a namespace that does not allow it, and says how to', async () => {
    await create('nic', spec('nic', 'nic', made));
    const module = await until('nic', 'Ready', /^False MayNotMakeImages/);
    const said = conditionOf(module, 'Ready');
    assert.match(said, /kubectl create rolebinding kmm-operator-image-maker-role -n kmm-modules /);
    assert.deepEqual([await listJobs(), await loaders('nic'), asked('drivers/nic')], [[], [], []]);
    assert.match(module.status?.report ?? '', /MayNotMakeImages/);
  });

  it('goes on by itself once that is allowed: one build, one signature, and the nodes load what was verified [64] [84] [85]', async () => {
    await allow();
    const module = await until('nic', 'Ready', /^True/);
    assert.match(conditionOf(module, 'ImagesReady'), /^True AllImagesVerified/);
    for (const name of ['n1', 'n2']) assert.ok(loadedModules(fleet, 's1', name).includes('nic'));
    const { store } = fleet.registry;
    const unsigned = `${kernels.el9}-${namespace}_nic_kmm_unsigned`;
    assert.deepEqual(store.tags('drivers/nic'), [kernels.el9, unsigned].sort());
    const digest = store.manifest('drivers/nic', kernels.el9)?.digest;
    const [loader] = await loaders('nic');
    const image = loader?.spec.template.spec?.containers[0]?.image;
    assert.equal(image, `${fleet.registry.host}/drivers/nic@${digest}`);
    for (const reason of ['BuildCreated', 'BuildSucceeded', 'SignCreated', 'SignSucceeded']) {
      const notes = await eventually(reason, async () => {
        const found = await told(reason);
        return found.length > 0 ? found : undefined;
      });
      assert.equal(notes.length, 1, reason);
    }
  });

  it('removes the Jobs of what is verified after job.gcDelay [77]', async () => {
    await eventually('the Jobs are gone', async () => (await listJobs()).length === 0);
  });

  it('keeps to the digest after a restart, whatever the tag, and asks nobody', async () => {
    const before = { pods: await loaderPods('nic'), asked: asked('drivers/nic').length };
    await pushDriver(fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9], release: 'other' });
    const pushes = asked('drivers/nic').length;
    await program.restart();
    await edit('nic', { tolerations: [{ key: 'anything', operator: 'Exists' }] });
    await until('nic', 'Ready', /^True/);
    assert.deepEqual(await loaderPods('nic'), before.pods);
    assert.equal(asked('drivers/nic').length, pushes);
    const [loader] = await loaders('nic');
    assert.match(loader?.metadata.annotations?.[annotations.pinned] ?? '', /"pinned":"[^"]+@sha256:/);
  });

  it('makes what a second kernel needs, while the first goes on [81]', async () => {
    const [first] = await loaderPods('nic');
    await node('n2').reboot({ kernel: { release: kernels.debian } });
    await eventually('the new kernel has its module', () => loadedModules(fleet, 's1', 'n2').includes('nic'));
    await until('nic', 'Ready', /^True/);
    assert.equal((await told('BuildCreated')).length, 2);
    assert.ok(first !== undefined && (await loaderPods('nic')).length === 2);
    assert.ok(loadedModules(fleet, 's1', 'n1').includes('nic'));
  });

  it('shows the end of the log of a build that fails, keeps what runs, and goes on once it is mended [75] [76]', async () => {
    await inputs.configMap('broken-dockerfile', { dockerfile: dockerfile.replace('make all', 'make all && exit 1') });
    const before = await loaderPods('nic');
    const container = {
      kernelMappings: [{ regexp: '^.+$', containerImage: imageOf('nic-2') }],
      build: { dockerfileConfigMap: { name: 'broken-dockerfile' } },
    };
    await edit('nic', { moduleLoader: { container } });
    await until('nic', 'Ready', /^False BuildFailed.*exit status 1/);
    assert.deepEqual(await loaderPods('nic'), before);
    for (const name of ['n1', 'n2']) assert.ok(loadedModules(fleet, 's1', name).includes('nic'));
    const at = { namespace, name: 'broken-dockerfile' };
    await client().patch(configMaps, at, { type: 'merge', body: { data: { dockerfile } } });
    await until('nic', 'Ready', /^True/);
    const images = (await loaders('nic')).map(({ spec: { template } }) => template.spec?.containers[0]?.image ?? '');
    assert.equal(images.filter((image) => image.includes('drivers/nic-2@sha256:')).length, 2);
  });

  it('takes its Jobs along when the Module is deleted', async () => {
    const container = { kernelMappings: [{ regexp: '^.+$', containerImage: imageOf('nic-3') }] };
    await edit('nic', { moduleLoader: { container } });
    await eventually('Jobs work on another image', async () => (await listJobs()).length > 0);
    await client().delete(modules, { namespace, name: 'nic' }, { propagationPolicy: 'Background' });
    await eventually('Module and Jobs are gone', async () => {
      return (await read('nic')) === undefined && (await listJobs()).length === 0;
    });
    assert.deepEqual(loadedModules(fleet, 's1', 'n1'), ['ready']);
  });
});
