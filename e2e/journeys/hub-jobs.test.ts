import assert from 'node:assert/strict';
import { verify, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildJob } from '../../shared/build/build-job.ts';
import { signJob } from '../../shared/build/sign-job.ts';
import { buildRecipe, buildRequest, secretFacts, signRequest } from '../../shared/build/testing/requests.ts';
import { scaledClock, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import type { Job, Pod } from '../../shared/kube/object.ts';
import { configMaps, jobs, pods, secrets } from '../../shared/kube/resources.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { RegistryClient } from '../../shared/registry/client.ts';
import { moduleSignature } from '../../shared/sign/module-signature.ts';
import { makeSigningKeys } from '../../shared/testing/signing-keys.ts';
import { eventually } from '../world/eventually.ts';
import { type Fleet, hubNamespace, pullSecret, startFleet } from '../world/fleet/fleet.ts';
import { imageTarget } from '../world/fleet/image-target.ts';
import { parseKo } from '../world/kernel/ko.ts';
import { extractLayers } from '../world/node/rootfs.ts';
import { worldPlatform } from '../world/registry/oci-image.ts';

const timeFactor = 10;
const namespace = hubNamespace;
const kernel = '6.1.0-28-amd64';

const dockerfile = (...more: string[]) => `ARG DTK_AUTO
FROM \${DTK_AUTO} as builder
ARG KERNEL_VERSION
WORKDIR /src
RUN make \\
    KERNEL_SRC_DIR=/lib/modules/\${KERNEL_VERSION}/build all
${more.join('\n')}
FROM docker.io/library/debian:12
ARG KERNEL_VERSION
COPY --from=builder /src/driver.ko /opt/lib/modules/\${KERNEL_VERSION}/
RUN depmod -b /opt \${KERNEL_VERSION}
`;

describe('Jobs on the hub', () => {
  let fleet: Fleet;

  before(async () => {
    const clock = scaledClock(systemClock, timeFactor);
    const runtime = { clock, random: Math.random, log: silentLog, meters: silentMeters };
    fleet = await startFleet({ spokes: [], builder: true, runtime, timeFactor });
    const data = { key: Buffer.from('a token').toString('base64') };
    const metadata = { name: 'token', namespace };
    await fleet.hub.client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata, data });
  });
  after(() => fleet.stop());

  /** How the Job ended, and what its container left. */
  async function run(job: Job): Promise<{ end: string; code: number; message: string; node: string }> {
    const { client } = fleet.hub;
    const { name } = (await client.create(jobs, job)).metadata;
    const end = await eventually(`Job ${name} has ended`, async () => {
      const conditions = (await client.get(jobs, { namespace, name }))?.status?.conditions ?? [];
      const found = conditions.find(({ type }) => type === 'Complete' || type === 'Failed');
      if (found !== undefined) return found.type;
      const { items } = await client.list(pods, { namespace, labelSelector: `job-name=${name}` });
      throw new Error(JSON.stringify(items.map(({ status }) => status)));
    });
    const { items } = await client.list(pods, { namespace, labelSelector: `job-name=${name}` });
    assert.equal(items.length, 1);
    const { spec, status } = items[0] as Pod;
    const { exitCode = -1, message = '' } = status?.containerStatuses?.[0]?.state?.terminated ?? {};
    return { end, code: exitCode, message, node: spec.nodeName ?? '' };
  }

  /** One that a Pod Security level lets in. */
  function shellJob(name: string, script: string): Job {
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace },
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [
              {
                name: 'c',
                image: fleet.builderImage,
                command: ['/bin/sh', '-ec', script],
                terminationMessagePolicy: 'FallbackToLogsOnError',
              },
            ],
          },
        },
      },
    };
  }

  it('run to their end on the builder', async () => {
    const greeting = await run(shellJob('greets', 'echo hello >"$ROOT/dev/termination-log"'));
    assert.deepEqual(greeting, { end: 'Complete', code: 0, message: 'hello\n', node: 'builder' });
  });

  it('say with the end of their log why they failed', async () => {
    const { end, code, message } = await run(shellJob('fails', 'echo one; echo "no such kernel" >&2; exit 3'));
    assert.deepEqual([end, code], ['Failed', 3]);
    assert.match(message, /no such kernel\n$/);
  });

  const image = (name: string) => `${fleet.registry.host}/built/${name}:${kernel}`;

  /** The Job as the hub makes it, owned by the ConfigMap of its Dockerfile. */
  async function buildOf(name: string, text: string): Promise<Job> {
    const metadata = { name: `dockerfile-${name}`, namespace };
    const data = { dockerfile: text };
    const made = await fleet.hub.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
    const recipe = buildRecipe({
      image: image(name),
      kernel,
      architecture: worldPlatform.architecture,
      imageRepoSecret: pullSecret,
      build: {
        image: image(name),
        dockerfileConfigMap: metadata.name,
        args: [
          { name: 'KERNEL_VERSION', value: kernel },
          { name: 'DTK_AUTO', value: 'registry.example/toolkit:1' },
        ],
        secrets: ['token'],
        baseImageRegistryTLS: { insecure: false, insecureSkipTLSVerify: false },
      },
    });
    const { sign: _, ...unsigned } = recipe;
    const request = buildRequest({
      recipe: unsigned,
      namespace,
      owner: { apiVersion: 'v1', kind: 'ConfigMap', name: metadata.name, uid: made.metadata.uid ?? '' },
      secrets: new Map([
        ['token', secretFacts('build')],
        [pullSecret, secretFacts('pull')],
      ]),
    });
    const job = buildJob({ ...request, settings: { ...request.settings, builderImage: fleet.builderImage } });
    assert.ok(job.kind === 'object', JSON.stringify(job));
    return job.object;
  }

  /** Where the pushed image is unpacked. */
  async function pulled(name: string, digest: string): Promise<string> {
    const target = await imageTarget(fleet, `${fleet.registry.host}/built/${name}@${digest}`);
    const client = new RegistryClient({ clock: systemClock, extraCa: fleet.registry.caPem });
    const found = await client.pull(target, worldPlatform);
    await client.close();
    assert.ok(found, `${name} is in the registry`);
    const folder = join(fleet.folder, `pulled-${name}`);
    await extractLayers(
      found.layers.map(({ content }) => content),
      folder,
    );
    return folder;
  }

  describe('that build', () => {
    it('leave an image with the module for the kernel in the registry', async () => {
      const { end, code, message } = await run(await buildOf('good', dockerfile('RUN cat /run/secrets/token/key')));
      assert.deepEqual([end, code], ['Complete', 0], message);
      const { result, digest } = JSON.parse(message);
      assert.equal(result, 'Built');
      const folder = join(await pulled('good', digest), 'opt/lib/modules', kernel);
      assert.deepEqual((await readdir(folder)).sort(), ['driver.ko', 'kernel', 'modules.dep']);
      const ko = parseKo(await readFile(join(folder, 'driver.ko')));
      assert.deepEqual([ko?.name, ko?.vermagic.split(' ')[0]], ['driver', kernel]);
    });

    for (const [name, line, why] of [
      ['exits', 'RUN ./configure && exit 1', /RUN \.\/configure && exit 1": while running runtime: exit status 1\n$/],
      ['no-secret', 'RUN cat /run/secrets/other/key', /cat: \/run\/secrets\/other\/key: No such file or directory\n/],
    ] as const)
      it(`fail with the words of the build: ${line}`, async () => {
        const { end, message } = await run(await buildOf(name, dockerfile(line)));
        assert.equal(end, 'Failed');
        assert.match(message, why);
      });
  });

  describe('that sign', () => {
    const filesToSign = [`/opt/lib/modules/${kernel}/driver.ko`];
    let unsignedDigest: string;
    let certificate: Buffer;

    before(async () => {
      const { message } = await run(await buildOf('unsigned', dockerfile('RUN true')));
      unsignedDigest = JSON.parse(message).digest;
      // The certificate is no text: a volume must hold it byte for byte.
      const made = await makeSigningKeys({ rsa: 2048 });
      ({ certificate } = made);
      const pem = Buffer.from(made.key.export({ type: 'pkcs8', format: 'pem' }));
      await createSecret('signing-key', { key: pem });
      await createSecret('signing-cert', { cert: certificate });
    });

    const createSecret = (name: string, files: Record<string, Buffer>) => {
      const data = Object.fromEntries(Object.entries(files).map(([key, value]) => [key, value.toString('base64')]));
      return fleet.hub.client.create(secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace },
        data,
      });
    };

    function signOf(name: string, files: readonly string[]): Job {
      const base = signRequest();
      const tls = { insecure: false, insecureSkipTLSVerify: false };
      const { build: _, ...recipe } = buildRecipe({
        image: image(name),
        kernel,
        imageRepoSecret: pullSecret,
        sign: {
          keySecret: 'signing-key',
          certSecret: 'signing-cert',
          filesToSign: [...files],
          unsignedImage: image('unsigned'),
          unsignedImageRegistryTLS: tls,
        },
      });
      const facts = [pullSecret, 'signing-key', 'signing-cert'].map(
        (secret) => [secret, secretFacts(secret === pullSecret ? 'pull' : 'sign')] as const,
      );
      const request = { ...base, recipe, namespace, secrets: new Map(facts), unsignedDigest };
      const job = signJob({ ...request, settings: { ...base.settings, signerImage: fleet.signerImage } });
      assert.ok(job.kind === 'object', JSON.stringify(job));
      const { ownerReferences: __, ...metadata } = job.object.metadata;
      return { ...job.object, metadata };
    }

    it('leave an image whose module is signed, for real', async () => {
      const { end, code, message } = await run(signOf('signed', filesToSign));
      assert.deepEqual([end, code], ['Complete', 0], message);
      const { result, digest } = JSON.parse(message);
      assert.equal(result, 'Signed');
      const folder = await pulled('signed', digest);
      const ko = await readFile(join(folder, filesToSign[0] ?? ''));
      const signature = moduleSignature(ko);
      assert.ok(signature, 'the module carries a signature');
      const { publicKey } = new X509Certificate(certificate);
      assert.ok(verify('sha256', signature.content, publicKey, signature.value), 'the certificate’s key made it');
      assert.equal(moduleSignature(signature.content), undefined);
    });

    it('say what they refuse', async () => {
      const { end, message } = await run(signOf('nothing', ['/opt/lib/modules/none/*.ko']));
      assert.equal(end, 'Failed');
      assert.match(message, /none/);
    });
  });
});
