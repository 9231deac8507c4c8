import assert from 'node:assert/strict';
import type { ImageRecipe } from '../images/recipe.ts';
import { annotations, labels } from '../kube/names.ts';
import type { ConfigMap, KubeObject } from '../kube/object.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { BuildMaker } from './build-maker.ts';
import { imageKey } from './image-wants.ts';
import { imageHash } from './job-shelf.ts';
import { imageOf, viewJob } from './job-view.ts';
import { JobWorkshop, type WorkshopOptions } from './job-workshop.ts';
import type { WorkOrder } from './workshop.ts';

const namespace = 'kmm';
const tls = { insecure: false, insecureSkipTLSVerify: false };
const image = 'registry.example/driver:6.1.0';
const unsignedImage = 'registry.example/driver:6.1.0-kmm_driver_kmm_unsigned';
const recipe: ImageRecipe = {
  image,
  registryTLS: tls,
  kernel: '6.1.0-28-amd64',
  dirName: '/opt',
  moduleName: 'driver',
  build: {
    image: unsignedImage,
    dockerfileConfigMap: 'dockerfile',
    args: [],
    secrets: ['token'],
    baseImageRegistryTLS: tls,
  },
  sign: {
    keySecret: 'key',
    certSecret: 'cert',
    filesToSign: ['/opt/driver.ko'],
    unsignedImage,
    unsignedImageRegistryTLS: tls,
  },
};
const order: WorkOrder = {
  recipe,
  module: {
    name: 'driver',
    label: labels.managedClusterModule,
    owner: { apiVersion: 'v1', kind: 'M', name: 'driver', uid: 'u' },
  },
  generation: undefined,
  unsigned: undefined,
};
const digest = `sha256:${'a'.repeat(64)}`;

function object(name: string, overrides: Partial<KubeObject['metadata']> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'X', metadata: { name, namespace, uid: name, resourceVersion: '1', ...overrides } };
}

function view(objects: readonly KubeObject[]): WorkshopOptions['secrets'] {
  const get = ({ name }: { name: string }) => objects.find(({ metadata }) => metadata.name === name);
  return { get, list: () => objects, byIndex: () => [], synced: true };
}

const all = { configMaps: [object('dockerfile')], secrets: ['token', 'key', 'cert'].map((name) => object(name)) };

function workshop(given: Partial<typeof all> = {}, overrides: Partial<WorkshopOptions> = {}): JobWorkshop {
  const common = { serviceAccountName: 's', deadlineSeconds: 60, resources: {} };
  const { configMaps, secrets } = { ...all, ...given };
  return new JobWorkshop({
    namespace,
    configMaps: view(configMaps),
    secrets: view(secrets),
    strictSecrets: false,
    builder: { ...common, builderImage: 'builder:1', privileges: 'UserNamespace' },
    signer: { ...common, signerImage: 'signer:1' },
    toolkitFor: () => ({ kind: 'unknown', message: 'no table' }),
    signerWith: () => undefined,
    ...overrides,
  });
}

function problem(of: JobWorkshop): string {
  const inputs = of.inputs(order);
  return inputs.kind === 'problem' ? `${inputs.reason}: ${inputs.message}` : 'none';
}

describe('the workshop', () => {
  it('names what is not there, before anything is made [80] [94] [217]', () => {
    assert.match(problem(workshop({ configMaps: [] })), /^DockerfileMissing: ConfigMap kmm\/dockerfile/);
    for (const missing of ['token', 'key', 'cert']) {
      const secrets = all.secrets.filter(({ metadata }) => metadata.name !== missing);
      assert.match(problem(workshop({ secrets })), new RegExp(`^SecretMissing: Secret ${missing} `));
    }
    assert.equal(problem(workshop()), 'none');
  });

  it('names the images of the configuration that it needs', () => {
    const common = { serviceAccountName: 's', deadlineSeconds: 60, resources: {} };
    const builder = { ...common, builderImage: undefined, privileges: 'UserNamespace' as const };
    const signer = { ...common, signerImage: undefined };
    assert.match(
      problem(workshop({}, { builder, signer })),
      /^BuildsNotConfigured: images\.builder and images\.signer/,
    );
  });

  it('needs no builder where OpenShift builds, but for what a Build cannot say [70] [207]', async () => {
    const common = { serviceAccountName: 's', deadlineSeconds: 60, resources: {} };
    const builder = { ...common, builderImage: undefined, privileges: 'UserNamespace' as const };
    const stored: ConfigMap = { ...object('dockerfile'), data: { dockerfile: 'FROM gcc:14' } };
    const client = fakeClient({
      get: (async () => stored) as never,
      list: (async () => ({ metadata: { resourceVersion: '1' }, items: [] })) as never,
    });
    const builds = new BuildMaker({ client, namespace, deadlineSeconds: 60 });
    const made = await workshop({}, { builds: () => builds, builder }).job('build', {
      ...order,
      hash: 'abc',
      attempt: 2,
    });
    assert.ok(made.kind === 'object');
    const seen = viewJob(made.object);
    assert.deepEqual([seen?.kind, seen?.hash, seen?.attempt], ['Build', 'abc', 2]);
    assert.equal(imageOf(made.object), image);
    const signed = await workshop({}, { builds: () => builds }).job('sign', {
      ...order,
      unsigned: digest,
      hash: 'abc',
      attempt: 1,
    });
    assert.ok(signed.kind === 'object' && signed.object.kind === 'Job', 'OpenShift gets no key');
    for (const insecure of [
      { registryTLS: { ...tls, insecure: true } },
      { build: { ...recipe.build!, baseImageRegistryTLS: { ...tls, insecureSkipTLSVerify: true } } },
    ]) {
      const asked = { ...order, recipe: { ...recipe, ...insecure } };
      const unconfigured = workshop({}, { builds: () => builds, builder }).inputs(asked);
      assert.match(JSON.stringify(unconfigured), /BuildsNotConfigured.*images\.builder/);
      const job = await workshop({}, { builds: () => builds }).job('build', { ...asked, hash: 'abc', attempt: 1 });
      assert.ok(job.kind === 'object' && job.object.kind === 'Job');
    }
  });

  it('does not begin to build before it knows whether OpenShift does, but for what needs to know nothing of it', () => {
    const toolkitFor = () => ({ kind: 'known' as const, image: 'toolkit' });
    const kindOf = (of: JobWorkshop, asked: ImageRecipe) =>
      of.inputs({ ...order, recipe: asked, unsigned: digest }).kind;
    const waiting = { waitsFor: () => 'it answers' };
    assert.deepEqual(workshop({}, waiting).inputs(order), { kind: 'waiting', message: 'it answers' });
    assert.equal(kindOf(workshop({}, { ...waiting, toolkitFor }), recipe), 'waiting');
    const byJob = { ...recipe, registryTLS: { ...tls, insecure: true } };
    // A Job that runs since before a restart would have another hash.
    assert.equal(kindOf(workshop({}, waiting), byJob), 'waiting');
    assert.equal(kindOf(workshop({}, { ...waiting, toolkitFor }), byJob), 'ready');
    const args = [{ name: 'DTK_AUTO', value: 'mine' }];
    assert.equal(kindOf(workshop({}, waiting), { ...byJob, build: { ...recipe.build!, args } }), 'ready');
    const { build: _, ...signOnly } = recipe;
    assert.equal(kindOf(workshop({}, waiting), signOnly), 'ready');
    assert.equal(kindOf(workshop({}, { waitsFor: () => undefined }), recipe), 'ready');
  });

  it('mounts in no build what any module signs with', () => {
    const signerWith = (name: string) => (name === 'token' || name === 'their-key' ? 'other' : undefined);
    assert.match(
      problem(workshop({}, { signerWith })),
      /^SecretRefused: Secret token is a signing key, module other names it .* label it kmm.node.kubernetes.io\/use=build$/,
    );
    // Nor as the login: it is mounted, too.
    const stolen = {
      ...order,
      recipe: { ...recipe, build: { ...recipe.build!, secrets: [] }, imageRepoSecret: 'their-key' },
    };
    const secrets = [...all.secrets, object('their-key')];
    const inputs = workshop({ secrets }, { signerWith }).inputs(stolen);
    assert.match(JSON.stringify(inputs), /SecretRefused.*their-key is a signing key.*use=pull/);
  });

  it('lets nobody take a labelled Secret from others by calling it his key, and no key become one by its label', () => {
    const of = (name: string, use: string) => object(name, { labels: { [labels.secretUse]: use } });
    const signerWith = () => 'other';
    const build = { ...order, recipe: { ...recipe, imageRepoSecret: 'login' } };
    const labelled = [of('token', 'build'), of('login', 'pull'), of('key', 'sign'), of('cert', 'sign')];
    assert.equal(workshop({ secrets: labelled }, { signerWith }).inputs(build).kind, 'ready');
    // Of who names it as his key, the signature is refused.
    const named = { ...build, recipe: { ...build.recipe, sign: { ...recipe.sign!, keySecret: 'login' } } };
    assert.match(JSON.stringify(workshop({ secrets: labelled }, { signerWith }).inputs(named)), /SecretRefused.*login/);
    for (const secret of ['token', 'login']) {
      const keys = labelled.map((each) => (each.metadata.name === secret ? of(secret, 'sign') : each));
      assert.match(
        JSON.stringify(workshop({ secrets: keys }, { signerWith: () => undefined }).inputs(build)),
        new RegExp(`SecretRefused.*Secret ${secret}: expected label .*got sign`),
      );
    }
  });

  it('begins anew with another Dockerfile, and signs anew with another key, and not the other way round [T10] [T23]', () => {
    const hashes = (of: JobWorkshop) => of.inputs({ ...order, unsigned: digest });
    const before = hashes(workshop());
    const configMaps = [object('dockerfile', { resourceVersion: '2' })];
    const after = hashes(workshop({ configMaps }));
    assert.ok(before.kind === 'ready' && after.kind === 'ready');
    assert.notEqual(after.build, before.build);
    assert.equal(after.sign, before.sign, 'what was built says whether there is another thing to sign');
    const secrets = all.secrets.map((each) =>
      each.metadata.name === 'key' ? object('key', { resourceVersion: '2' }) : each,
    );
    const signed = hashes(workshop({ secrets }));
    assert.ok(signed.kind === 'ready');
    assert.deepEqual([signed.build, signed.sign === before.sign], [before.build, false]);
  });

  it('signs only what is known by its digest, when it is built', () => {
    const inputs = workshop().inputs(order);
    assert.equal(inputs.kind === 'ready' && inputs.sign, undefined);
  });

  it('notes an image by the one spelling that it is looked for by', async () => {
    const short = { ...recipe, image: 'team/driver:6.1.0' };
    const made = await workshop().job('build', { ...order, recipe: short, hash: 'abc', attempt: 1 });
    assert.ok(made.kind === 'object');
    const key = imageKey('docker.io/team/driver:6.1.0');
    assert.equal(imageOf(made.object), key);
    assert.equal(made.object.metadata.labels?.[labels.image], imageHash(key));
  });

  it('lets its pods run where the module does, and a build where its recipe says [73]', async () => {
    const placement = { moduleSelector: { worker: '' }, tolerations: [{ key: 'driver', operator: 'Exists' }] };
    const podOf = async (step: 'build' | 'sign', of = recipe) => {
      const module = { ...order.module, placement };
      const given = { ...order, recipe: of, module, unsigned: digest, hash: 'abc', attempt: 1 };
      const made = await workshop().job(step, given);
      assert.ok(made.kind === 'object' && 'template' in made.object.spec);
      const { nodeSelector, tolerations } = made.object.spec.template.spec ?? {};
      return { nodeSelector, tolerations };
    };
    assert.deepEqual(await podOf('build'), { nodeSelector: { worker: '' }, tolerations: placement.tolerations });
    assert.deepEqual(await podOf('sign'), { nodeSelector: undefined, tolerations: placement.tolerations });
    const chosen = { ...recipe, build: { ...recipe.build!, selector: { builds: 'yes' } } };
    assert.deepEqual((await podOf('build', chosen)).nodeSelector, { builds: 'yes' });
  });

  it('makes Jobs that say for which image they are, and what they are made from', async () => {
    for (const step of ['build', 'sign'] as const) {
      const made = await workshop().job(step, { ...order, unsigned: digest, hash: 'abc', attempt: 3 });
      assert.ok(made.kind === 'object');
      assert.equal(made.object.metadata.annotations?.[annotations.image], image);
      const seen = viewJob(made.object);
      assert.deepEqual([seen?.step, seen?.hash, seen?.attempt, seen?.phase], [step, 'abc', 3, 'active']);
      assert.equal(seen?.name, workshop().nameOf(step, order));
    }
  });

  it('warns of Secrets that do not say what they are for, but of no login: that is warned of where it is looked up with', () => {
    const use = (of: string) => ({ labels: { [labels.secretUse]: of } });
    const secrets = [object('token'), object('key', use('sign')), object('cert'), object('login')];
    const made = workshop({ secrets }).inputs({ ...order, recipe: { ...recipe, imageRepoSecret: 'login' } });
    assert.deepEqual(made.kind === 'ready' && made.warnings, [
      `Secret token has no label ${labels.secretUse}=build`,
      `Secret cert has no label ${labels.secretUse}=sign`,
    ]);
    const all = [object('token', use('build')), object('key', use('sign')), object('cert', use('sign'))];
    const silent = workshop({ secrets: all }).inputs(order);
    assert.ok(silent.kind === 'ready' && silent.warnings === undefined);
  });
});
