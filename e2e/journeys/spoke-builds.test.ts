import assert from 'node:assert/strict';
import { type Module, type ModuleSpec, modules } from '@open-cluster-management/api-types';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { KubeObject } from '../../shared/kube/object.ts';
import { events, jobs, pods } from '../../shared/kube/resources.ts';
import { purposeOf } from '../../spoke/pods.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { programUsers, pullSecret, type StandInFleet, spokeNamespace } from '../world/fleet/fleet.ts';
import { conditionOf, loadedModules } from '../world/fleet/observe.ts';
import { dockerfile, ImageInputs, signedBy } from './image-inputs.ts';
import { type LoneSpoke, startLoneSpoke } from './lone-spoke.ts';
import { kernels } from './stage.ts';

const namespace = spokeNamespace;

describe('a cluster without a hub builds and signs what its own Modules ask for', () => {
  let spoke: LoneSpoke;
  let fleet: StandInFleet;

  const client = () => spoke.client;
  const inputs = new ImageInputs(client, namespace);
  const node = (name: string) => fleet.spoke('s1').node(name);
  const until: LoneSpoke['until'] = (...condition) => spoke.until(...condition);
  const loaders: LoneSpoke['loaders'] = (name) => spoke.loaders(name);
  const asked = (repository: string) => fleet.registry.requests.filter(({ path }) => path.includes(repository));

  before(async () => {
    const nodes = ['n1', 'n2'].map((name) => ({ name, kernel: { release: kernels.el9 } }));
    spoke = await startLoneSpoke(nodes, { job: { gcDelay: '1m' } });
    fleet = spoke.fleet;
    await inputs.keyPair('signing', 'sign');
    await inputs.toolkits([kernels.el9, kernels.debian]);
    await inputs.configMap('nic-dockerfile', { dockerfile });
  });
  after(() => spoke?.stop());

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

  async function listJobs(): Promise<readonly KubeObject[]> {
    return (await client().list(jobs, { namespace })).items;
  }

  /** What was made so far, by the events that were told of it; each is told once. */
  async function told(reason: string): Promise<string[]> {
    const { items } = await client().list(events, { namespace });
    return items.filter((event) => event.reason === reason).map(({ note }) => note);
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
    await spoke.allow();
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
    await spoke.program.restart();
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
    await inputs.writeDockerfile('broken-dockerfile', dockerfile);
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
      return (await spoke.read('nic')) === undefined && (await listJobs()).length === 0;
    });
    assert.deepEqual(loadedModules(fleet, 's1', 'n1'), ['ready']);
  });
});
