import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../shared/core/clock.ts';
import { type ImageRecipe, recipeOf } from '../../../shared/images/recipe.ts';
import { resolveMapping } from '../../../shared/kernel/mapping.ts';
import { RegistryClient } from '../../../shared/registry/client.ts';
import { parseReference } from '../../../shared/registry/reference.ts';
import { makeSigningKeys } from '../../../shared/testing/signing-keys.ts';
import { attempt, run } from '../debian/run.ts';
import { kernelSignFile } from '../debian/sign-file.ts';
import { programsOrSkip } from '../debian/skip-loudly.ts';
import { extractLayers } from '../node/rootfs.ts';
import { startTestWorld, type TestWorld } from '../node/test-world.ts';
import { worldPlatform } from '../registry/oci-image.ts';
import { pushImage } from '../registry/push.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { sampleDockerfile, sampleSources } from './sample-driver.ts';
import { type BuildPodOptions, runBuildPod, runSignPod, type StepOutcome } from './step-pod.ts';
import { prepareToolkit, pushToolkit, type Toolkit } from './toolkit-image.ts';

const login = { user: 'ann', password: 'pass' };
const tls = { insecure: false, insecureSkipTLSVerify: false };
const identity = { name: 'kmm-sample', namespace: 'spoke' };
const preparationMs = 600_000;

/** A Dockerfile of one line on the base image. */
function onBase(line: string): string {
  return ['ARG BASE_IMAGE', 'FROM $BASE_IMAGE', line, ''].join('\n');
}

describe('the real builder', function () {
  this.timeout(preparationMs);
  let toolkit: Toolkit;
  let registry: DockerRegistry;
  let client: RegistryClient;
  let world: TestWorld;
  const folders: string[] = [];

  before(async function () {
    const { pathOf } = await programsOrSkip(this, ['docker-registry', 'buildah', 'debootstrap']);
    toolkit = await prepareToolkit(pathOf('debootstrap'));
    registry = await startDockerRegistry({ program: pathOf('docker-registry'), users: { ann: 'pass' } });
    client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
    await pushToolkit(client, target('toolkit:base'), toolkit);
    await pushImage(registry, { repository: 'source', tag: '1', login }, await sampleSources());
    world = await startTestWorld({ timeFactor: 1 });
  });

  after(async () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    await world?.stop();
    await client?.close();
    await registry?.stop();
  });

  function target(name: string) {
    const parsed = parseReference(`${registry.host}/${name}`);
    assert.ok(parsed.kind === 'reference');
    const credentials = [{ username: login.user, password: login.password, insecureAllowed: false }];
    return { reference: parsed.reference, tls, credentials };
  }

  function recipe(kernel: string, options: { secrets?: readonly string[]; sign?: boolean } = {}): ImageRecipe {
    const { secrets = [], sign = false } = options;
    const container = {
      modprobe: { moduleName: 'kmm_sample' },
      kernelMappings: [{ regexp: '^.+$', containerImage: `${registry.host}/kmm-sample:\${KERNEL_FULL_VERSION}` }],
      build: {
        dockerfileConfigMap: { name: 'kmm-sample' },
        buildArgs: [
          { name: 'SOURCE_IMAGE', value: `${registry.host}/source:1` },
          { name: 'BASE_IMAGE', value: `${registry.host}/toolkit:base` },
        ],
        secrets: secrets.map((name) => ({ name })),
      },
      ...(sign && {
        sign: {
          keySecret: { name: 'key' },
          certSecret: { name: 'cert' },
          filesToSign: ['/opt/lib/modules/$KERNEL_FULL_VERSION/*.ko'],
        },
      }),
    };
    const resolved = resolveMapping(container, kernel, identity);
    assert.ok(resolved.kind === 'match');
    const { mapping } = resolved;
    const question = { container, mapping, identity, imageRepoSecret: 'registry', operatorNamespace: 'default' };
    const made = recipeOf(question);
    assert.ok(made.kind === 'recipe', JSON.stringify(made));
    return made.recipe;
  }

  function loginSecret(): Record<string, string> {
    const auth = Buffer.from(`${login.user}:${login.password}`).toString('base64');
    return { '.dockerconfigjson': JSON.stringify({ auths: { [registry.host]: { auth } } }) };
  }

  /** Runs a build Job's pod for a kernel, with what a test changes. */
  function build(kernel: string, overrides: Partial<BuildPodOptions> = {}): Promise<StepOutcome> {
    return runBuildPod(world, {
      recipe: recipe(kernel),
      toolkit: { kind: 'known', image: `${registry.host}/toolkit:${kernel}` },
      dockerfile: sampleDockerfile(),
      caPem: registry.caPem,
      ...overrides,
      secretData: {
        registry: loginSecret(),
        ...overrides.secretData,
      },
    });
  }

  /** The files of an image in a folder, as a node would unpack them. */
  async function unpacked(name: string): Promise<string> {
    const image = await client.pull(target(name), worldPlatform);
    assert.ok(image !== undefined, `${name} is missing`);
    const folder = mkdtempSync(join(tmpdir(), 'kmm-image-'));
    folders.push(folder);
    await extractLayers(
      image.layers.map(({ content }) => content),
      folder,
    );
    return folder;
  }

  for (const index of [0, 1] as const) {
    it(`builds, pushes and tells the digest of the sample for Debian’s kernel ${index + 1} of 2 [67] [69] [218]`, async () => {
      const kernel = toolkit.kernels[index];
      const outcome = await build(kernel);
      assert.equal(outcome.exitCode, 0, `${outcome.message}\n${outcome.log}`);
      const found = await client.exists(target(`kmm-sample:${kernel}`));
      assert.ok(found.kind === 'found', JSON.stringify(found));
      assert.deepEqual(JSON.parse(outcome.message), { result: 'Built', digest: found.digest });
      console.log(`      built and pushed for ${kernel} in ${outcome.seconds.toFixed(1)} s`);

      const root = await unpacked(`kmm-sample:${kernel}`);
      const folder = `opt/lib/modules/${kernel}`;
      const inside = (...argv: string[]) => run('chroot', [root, ...argv]);
      for (const module of ['kmm_sample', 'kmm_sample_core']) {
        const vermagic = await inside('modinfo', '-F', 'vermagic', `/${folder}/${module}.ko`);
        assert.match(vermagic, new RegExp(`^${kernel} SMP `));
      }
      assert.equal(await inside('modinfo', '-F', 'depends', `/${folder}/kmm_sample.ko`), 'kmm_sample_core\n');
      assert.match(readFileSync(join(root, folder, 'modules.dep'), 'utf8'), /^kmm_sample\.ko: kmm_sample_core\.ko$/m);
      assert.equal(readFileSync(join(root, 'firmware/kmm-sample/greeting.bin'), 'utf8'), 'firmware');
      const order = await inside('modprobe', '--show-depends', '-d', '/opt', '-S', kernel, 'kmm_sample');
      assert.deepEqual(
        order
          .trim()
          .split('\n')
          .map((line) => line.trim()),
        [`insmod /${folder}/kmm_sample_core.ko`, `insmod /${folder}/kmm_sample.ko`],
      );
    });
  }

  it('mounts build secrets for RUN lines, and leaves none in the image [68]', async () => {
    const [kernel] = toolkit.kernels;
    const read = 'cp /run/secrets/token/word /opt-word && [ "$(cat /run/secrets/token/word)" = xyzzy ]';
    const dockerfile = onBase(`RUN ${read}`);
    const secretData = { token: { word: 'xyzzy' } };
    const outcome = await build(kernel, { recipe: recipe(kernel, { secrets: ['token'] }), dockerfile, secretData });
    assert.equal(outcome.exitCode, 0, `${outcome.message}\n${outcome.log}`);
    const root = await unpacked(`kmm-sample:${kernel}`);
    assert.equal(readFileSync(join(root, 'opt-word'), 'utf8'), 'xyzzy');
    const { stdout } = await attempt('find', [join(root, 'run'), '-type', 'f']);
    assert.equal(stdout, '');
  });

  const failures: [what: string, dockerfile: string, said: RegExp][] = [
    [
      'a RUN line that fails',
      onBase('RUN echo the compiler is unhappy >&2; exit 3'),
      /the compiler is unhappy[\s\S]*exit status 3/,
    ],
    ['a base image that is not there', `ARG DTK_AUTO\nFROM $DTK_AUTO-none\n`, /manifest unknown/],
    ['a line that is none', 'FROM scratch\nFORM scratch\n', /FORM/i],
  ];
  for (const [what, dockerfile, said] of failures) {
    it(`ends with what the builder said for ${what}`, async () => {
      const [kernel] = toolkit.kernels;
      const outcome = await build(kernel, { dockerfile });
      assert.notEqual(outcome.exitCode, 0);
      assert.match(outcome.message, said);
    });
  }

  it('builds under the temporary name, and what the sign Job’s pod makes of it is byte for byte the kernel’s own sign-file’s [85] [88] [89]', async () => {
    const [kernel] = toolkit.kernels;
    const keys = await makeSigningKeys({ rsa: 2048 });
    const key = keys.key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const wanted = recipe(kernel, { sign: true });
    const temporary = `kmm-sample:${kernel}-default_kmm-sample_kmm_unsigned`;
    assert.equal(wanted.build?.image, `${registry.host}/${temporary}`);
    const built = await build(kernel, { recipe: wanted });
    assert.equal(built.exitCode, 0, `${built.message}\n${built.log}`);
    const signed = await runSignPod(world, {
      recipe: wanted,
      caPem: registry.caPem,
      secretData: { registry: loginSecret(), key: { key }, cert: { cert: keys.certificate } },
    });
    assert.equal(signed.exitCode, 0, `${signed.message}\n${signed.log}`);
    console.log(`      built in ${built.seconds.toFixed(1)} s, signed in ${signed.seconds.toFixed(1)} s`);
    const found = await client.exists(target(`kmm-sample:${kernel}`));
    assert.equal(JSON.parse(signed.message).digest, found.kind === 'found' && found.digest);

    const [before, after] = [await unpacked(temporary), await unpacked(`kmm-sample:${kernel}`)];
    const signFile = await kernelSignFile();
    writeFileSync(join(before, 'key.pem'), key, { mode: 0o600 });
    writeFileSync(join(before, 'cert.der'), keys.certificate);
    for (const module of ['kmm_sample', 'kmm_sample_core']) {
      const ko = join(`opt/lib/modules/${kernel}`, `${module}.ko`);
      await run(signFile, ['sha256', join(before, 'key.pem'), join(before, 'cert.der'), join(before, ko)]);
      assert.ok(readFileSync(join(after, ko)).equals(readFileSync(join(before, ko))), module);
      assert.match(await run('chroot', [after, 'modinfo', '-F', 'signer', `/${ko}`]), /authority of modules/);
    }
  });

  it('ends with its pod, and leaves no process and no mount behind', async () => {
    const [kernel] = toolkit.kernels;
    const abort = new AbortController();
    const dockerfile = onBase('RUN sleep 987654');
    const ending = build(kernel, { dockerfile, signal: abort.signal });
    const sleepers = async () => (await attempt('pgrep', ['-f', '^sleep 987654'])).stdout;
    while ((await sleepers()) === '') await new Promise((resolve) => setTimeout(resolve, 100));
    abort.abort();
    const outcome = await ending;
    assert.notEqual(outcome.exitCode, 0);
    assert.equal(await sleepers(), '');
    assert.doesNotMatch(readFileSync('/proc/mounts', 'utf8'), /kmm-node-/);
  });
});
