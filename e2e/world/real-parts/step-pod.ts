import { type BuildRequest, buildJob } from '../../../shared/build/build-job.ts';
import type { SecretFacts } from '../../../shared/build/secret-limits.ts';
import { signJob } from '../../../shared/build/sign-job.ts';
import type { StepRequest } from '../../../shared/build/step.ts';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import type { ImageRecipe } from '../../../shared/images/recipe.ts';
import { labels } from '../../../shared/kube/names.ts';
import type { Job, Pod } from '../../../shared/kube/object.ts';
import { configMaps, pods, secrets } from '../../../shared/kube/resources.ts';
import { namespace, type TestWorld } from '../node/test-world.ts';
import { builderImage, signerImage } from './step-images.ts';

const lookAgainMs = 100;
const trustedCa = 'authorities';

/** What became of a step's pod, as whoever made the Job would see it. */
export interface StepOutcome {
  exitCode: number;
  /** The termination message: a JSON line, or the last lines of the log. */
  message: string;
  log: string;
  seconds: number;
}

export interface StepPodOptions {
  recipe: ImageRecipe;
  /** Of all Secrets that the recipe names: their data. */
  secretData: Readonly<Record<string, Readonly<Record<string, string | Buffer>>>>;
  /** PEM; what registries are trusted with. */
  caPem: string;
  /** Deletes the pod while it runs. */
  signal?: AbortSignal;
}

export interface BuildPodOptions extends StepPodOptions {
  toolkit: BuildRequest['toolkit'];
  dockerfile: string;
}

/**
 * Runs the pod of a build Job on a node of the world, unchanged: the modelled kubelet mounts what it names and starts its
 * script with this machine's shell, which finds this machine's buildah. Under the paths of the container lies a folder (ROOT),
 * so that nothing of the pod touches the machine's own.
 */
export async function runBuildPod(world: TestWorld, options: BuildPodOptions): Promise<StepOutcome> {
  const { recipe, toolkit, dockerfile, caPem } = options;
  await storeMap(world, recipe.build?.dockerfileConfigMap ?? '', { dockerfile });
  await storeMap(world, trustedCa, { 'ca-bundle.crt': caPem });
  const image = await world.pushImage('builder', await builderImage());
  const made = buildJob({
    ...requestOf(options, recipe.build?.secrets ?? [], 'build'),
    toolkit,
    settings: { ...settings, builderImage: image, privileges: 'Privileged' },
  });
  if (made.kind !== 'object') throw new Error(`${made.reason}: ${made.message}`);
  return runPod(world, made.object, options);
}

/** The same for the sign Job's pod: our own program of this checkout. */
export async function runSignPod(world: TestWorld, options: StepPodOptions): Promise<StepOutcome> {
  const { recipe, caPem } = options;
  await storeMap(world, trustedCa, { 'ca-bundle.crt': caPem });
  const image = await world.pushImage('signer', await signerImage());
  const { keySecret = '', certSecret = '' } = recipe.sign ?? {};
  const made = signJob({
    ...requestOf(options, [keySecret, certSecret], 'sign'),
    settings: { ...settings, signerImage: image },
  });
  if (made.kind !== 'object') throw new Error(`${made.reason}: ${made.message}`);
  return runPod(world, made.object, options);
}

const settings = { serviceAccountName: 'default', deadlineSeconds: 600, resources: {}, trustedCa };

async function runPod(world: TestWorld, job: Job, options: StepPodOptions): Promise<StepOutcome> {
  for (const [name, data] of Object.entries(options.secretData)) await storeSecret(world, name, data);
  const name = `${job.metadata.name}-pod`;
  // Nothing here schedules; the world's node is where it runs.
  const { nodeSelector: _anyNode, ...spec } = job.spec?.template?.spec ?? { containers: [] };
  const began = systemClock.now();
  const created = await world.createPod(spec as Partial<Pod['spec']>, { name });
  try {
    return await endOf(world, created, { began, signal: options.signal });
  } finally {
    await world.client.delete(pods, { namespace, name });
    while ((await world.readPod(name)) !== undefined) await sleep(systemClock, lookAgainMs);
  }
}

async function endOf(
  world: TestWorld,
  created: Pod,
  { began, signal }: { began: number; signal: AbortSignal | undefined },
): Promise<StepOutcome> {
  const { name } = created.metadata;
  const container = created.spec.containers[0]?.name ?? '';
  let log = '';
  for (;;) {
    const pod = await world.readPod(name);
    log = world.node.logs(created, container).output || log;
    const { terminated, waiting } = pod?.status?.containerStatuses?.[0]?.state ?? {};
    const seconds = (systemClock.now() - began) / 1000;
    if (terminated) return { exitCode: terminated.exitCode, message: terminated.message ?? '', log, seconds };
    if (pod === undefined) return { exitCode: 137, message: 'the pod is gone', log, seconds };
    if (signal?.aborted && pod.metadata.deletionTimestamp === undefined) {
      await world.client.delete(pods, { namespace, name });
    }
    if (/Err|Invalid/.test(waiting?.reason ?? '')) throw new Error(`pod ${name}: ${JSON.stringify(waiting)}`);
    await sleep(systemClock, lookAgainMs);
  }
}

function requestOf({ recipe }: StepPodOptions, names: readonly string[], use: 'build' | 'sign'): StepRequest {
  const facts = (name: string, own: string): [string, SecretFacts] => [
    name,
    { uid: name, resourceVersion: '1', insecureAllowed: false, use: own },
  ];
  return {
    recipe,
    namespace,
    module: { name: 'kmm-sample', label: labels.managedClusterModule },
    owner: {
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ManagedClusterModule',
      name: 'kmm-sample',
      uid: 'of-the-test',
    },
    hash: '0123456789abcdef',
    secrets: new Map([
      ...names.map((name) => facts(name, use)),
      ...(recipe.imageRepoSecret ? [facts(recipe.imageRepoSecret, 'pull')] : []),
    ]),
    strictSecrets: true,
  };
}

async function storeMap({ client }: TestWorld, name: string, data: Record<string, string>): Promise<void> {
  await client.delete(configMaps, { namespace, name });
  await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data });
}

async function storeSecret(
  { client }: TestWorld,
  name: string,
  data: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  const entries = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  await client.delete(secrets, { namespace, name });
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    data: Object.fromEntries(entries),
  });
}
