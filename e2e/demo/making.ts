import type { ImageStatus } from '@open-cluster-management/api-types';
import { systemClock } from '../../shared/core/clock.ts';
import { configMaps, events, jobs, pods, secrets } from '../../shared/kube/resources.ts';
import { makeSigningKeys } from '../../shared/testing/signing-keys.ts';
import { eventually } from '../world/eventually.ts';
import { type Fleet, hubNamespace, type StandInFleet } from '../world/fleet/fleet.ts';
import { conditionOf, readModule, readWork } from '../world/fleet/observe.ts';
import { sampleDockerfile } from '../world/real-parts/sample-driver.ts';
import type { DemoBuilder } from './builder.ts';
import { sample, sampleSpec } from './cast.ts';
import { proveSignatures, type SignatureProof } from './signature-proof.ts';
import { apply, ready } from './waits.ts';

/** What became of an image that nobody had pushed. Every member was looked up where it is kept, not concluded. */
export interface Made {
  readonly image: string;
  readonly digest: string;
  /** Seconds since the module was applied. */
  readonly tellings: readonly { readonly reason: string; readonly seconds: number }[];
  /** A line of the builder's own log that says how it went. */
  readonly builderSays: string;
  readonly signatures: readonly SignatureProof[];
  readonly clusters: readonly string[];
  readonly nodes: readonly string[];
}

const tellings = ['BuildCreated', 'BuildSucceeded', 'SignCreated', 'SignSucceeded'] as const;
const labelOfStep = 'kmm.openshift.io/build.type';
/** The real builder copies a compiler's files several times: seconds, and minutes where others work too. */
const stepLimitMs = 300_000;

/** Applies the sample, and follows its image until it is in the kernels. Throws when anything is not as it should be. */
export async function makeSample(fleet: StandInFleet, builder: DemoBuilder): Promise<Made> {
  const tags = fleet.registry.store.tags(sample.repository);
  if (tags !== undefined) throw new Error(`expected no image of ${sample.repository}, got ${tags}`);
  const certificate = await storeInputs(fleet);
  const beganMs = systemClock.now();
  await apply(fleet, sample.name, sampleSpec(fleet, builder.kernel, builder.buildArgs));
  const told = [];
  for (const reason of tellings) {
    const failed = await eventually(`event ${reason} of ${sample.name}`, () => endOfStep(fleet, reason), stepLimitMs);
    if (failed !== 'none') throw new Error(`expected event ${reason} of ${sample.name}, got ${failed}`);
    told.push({ reason, seconds: (systemClock.now() - beganMs) / 1000 });
  }
  const nodes = fleet.spokes.flatMap((spoke) =>
    spoke.nodes
      .filter(({ kernel }) => kernel.release === builder.kernel)
      .map(({ name, kernel }) => ({ name, kernel, cluster: spoke.name })),
  );
  for (const { name, kernel } of nodes)
    await eventually(`${sample.kernelModule} is in the kernel of ${name}`, () => kernel.isLoaded(sample.kernelModule));
  await ready(fleet, sample.name);
  const clusters = [...new Set(nodes.map(({ cluster }) => cluster))];
  const { image, digest } = await verifiedImage(fleet, clusters);
  await oneJobEach(fleet);
  return {
    image,
    digest,
    tellings: told,
    builderSays: await builderSays(fleet, builder),
    signatures: await proveSignatures(fleet, { image, kernel: builder.kernel, certificate }),
    clusters,
    nodes: nodes.map(({ name }) => name),
  };
}

/** What of it a person wants to know, and with a stand-in what was not done. */
export function linesOf(made: Made, { choice, kernel }: DemoBuilder): string[] {
  const { image, digest, builderSays: said, signatures, clusters, nodes } = made;
  const seconds = Object.fromEntries(made.tellings.map((each) => [each.reason, each.seconds.toFixed(1)]));
  const [signature] = signatures;
  const files = signatures.map(({ file }) => file).join(', ');
  const builtBy =
    choice.kind === 'real'
      ? [`by the real builder: buildah compiled deploy/samples/driver with the headers of ${kernel}`]
      : [
          'by a STAND-IN builder: nothing is compiled, the module files hold no code',
          `because ${choice.why}; ${choice.instead}`,
        ];
  return [
    `missing   ${image} was in no registry`,
    `built     ${builtBy[0]} (created after ${seconds['BuildCreated']} s, done after ${seconds['BuildSucceeded']} s)`,
    ...builtBy.slice(1).map((line) => `          ${line}`),
    `          its log says "${said}"`,
    `signed    by the real signer, in a Job that alone sees the key (created after ${seconds['SignCreated']} s, done after ${seconds['SignSucceeded']} s)`,
    `          read back from the registry: ${files} signed by "${signature?.signer}", ${signature?.algorithm} with ${signature?.digest}; the certificate's key fits`,
    `verified  ${digest}`,
    `shipped   one build and one signature for ${clusters.length} clusters: ${clusters.join(', ')} got that digest`,
    `loaded    in the modelled kernels of ${nodes.join(', ')}`,
  ];
}

/** The Dockerfile, and the key with its certificate, which is returned. */
async function storeInputs(fleet: Fleet): Promise<Buffer> {
  const { client } = fleet.hub;
  const options = { issuer: 'O=Fictional Drivers, CN=Fictional Drivers module key', notAfter: '2120-01-01' };
  const { key, certificate } = await makeSigningKeys({ rsa: 2048 }, options);
  const secret = (name: string, data: Record<string, Buffer>) =>
    client.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: hubNamespace, name, labels: { 'kmm.node.kubernetes.io/use': 'sign' } },
      data: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value.toString('base64')])),
    });
  await secret(sample.key, { key: Buffer.from(key.export({ type: 'pkcs8', format: 'pem' })) });
  await secret(sample.certificate, { cert: certificate });
  await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: hubNamespace, name: sample.dockerfile },
    data: { dockerfile: sampleDockerfile() },
  });
  return certificate;
}

/** `none` when the event is there, what failed when another says so; an error with what the hub knows while neither is. */
async function endOfStep(fleet: Fleet, reason: string): Promise<string> {
  const { items } = await fleet.hub.client.list(events, { namespace: 'default' });
  const told = items.filter(({ regarding }) => regarding?.name === sample.name);
  const failed = told.find((event) => event.reason.endsWith('Failed'));
  if (failed) return `${failed.reason}: ${failed.note}`;
  if (told.some((event) => event.reason === reason)) return 'none';
  throw new Error(conditionOf(await readModule(fleet, sample.name), 'ImagesReady'));
}

/** The one image of the status, which is what the registry has and what each cluster's ManifestWork names. */
async function verifiedImage(
  fleet: StandInFleet,
  clusters: readonly string[],
): Promise<{ image: string; digest: string }> {
  const images: readonly ImageStatus[] = (await readModule(fleet, sample.name))?.status?.images ?? [];
  const [{ image, digest = '', state, kernelVersion } = { image: '', state: '', kernelVersion: '' }, ...more] = images;
  if (state !== 'Verified' || more.length > 0)
    throw new Error(`expected one image, verified, got ${JSON.stringify(images)}`);
  const stored = fleet.registry.store.manifest(sample.repository, kernelVersion)?.digest;
  if (stored !== digest) throw new Error(`expected ${digest} in the registry, got ${stored}`);
  for (const cluster of clusters) {
    const work = JSON.stringify((await readWork(fleet, cluster, sample.name))?.spec);
    if (!work.includes(`${sample.repository}@${digest}`))
      throw new Error(`expected ${digest} in the ManifestWork of ${cluster}, got ${work}`);
  }
  return { image, digest };
}

async function oneJobEach(fleet: Fleet): Promise<void> {
  const { items } = await fleet.hub.client.list(jobs, { namespace: hubNamespace });
  const steps = items.map(({ metadata }) => metadata.labels?.[labelOfStep]).sort();
  if (steps.join() !== 'build,sign') throw new Error(`expected one Job that builds and one that signs, got ${steps}`);
}

/** The compiler's last word, or the stand-in's confession. */
async function builderSays(fleet: Fleet, { choice }: DemoBuilder): Promise<string> {
  const { items } = await fleet.hub.client.list(pods, { namespace: hubNamespace });
  const pod = items.find(({ metadata }) => metadata.labels?.[labelOfStep] === 'build');
  const log = (pod && fleet.builder?.logs(pod, 'build').output) ?? '';
  const wanted = choice.kind === 'real' ? /^ +LD \[M\].*$/gm : /^stand-in builder: nothing.*$/gm;
  const line = log.match(wanted)?.at(-1)?.trim();
  if (line === undefined) throw new Error(`expected ${wanted} in the log of the build, got ${log || 'nothing'}`);
  return line;
}
