import type { BuildRequest } from '../../../shared/build/build-job.ts';
import { buildJob } from '../../../shared/build/build-job.ts';
import type { SecretFacts } from '../../../shared/build/secret-limits.ts';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import type { ImageRecipe } from '../../../shared/images/recipe.ts';
import { labels } from '../../../shared/kube/names.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { configMaps, pods, secrets } from '../../../shared/kube/resources.ts';
import { namespace, type TestWorld } from '../node/test-world.ts';

const lookAgainMs = 100;

/** What became of a build's pod, as whoever made the Job would see it. */
export interface BuildOutcome {
  exitCode: number;
  /** The termination message: a JSON line, or the last lines of the log. */
  message: string;
  log: string;
  seconds: number;
}

export interface BuildPodOptions {
  recipe: ImageRecipe;
  toolkit: BuildRequest['toolkit'];
  dockerfile: string;
  /** Of all Secrets that the recipe names: their data as text. */
  secretData: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** PEM; what registries are trusted with. */
  caPem: string;
  /** Deletes the pod while it runs. */
  signal?: AbortSignal;
}

/**
 * Runs the pod of a build Job on a node of the world, unchanged: the modelled kubelet mounts what it names and starts its
 * script with this machine's shell, which finds this machine's buildah. Under the paths of the container lies a folder (ROOT),
 * so that nothing of the pod touches the machine's own.
 */
export async function runBuildPod(world: TestWorld, name: string, options: BuildPodOptions): Promise<BuildOutcome> {
  const { recipe, signal } = options;
  await store(world, options);
  const made = buildJob(requestOf(world, options));
  if (made.kind !== 'object') throw new Error(`${made.reason}: ${made.message}`);
  const { nodeSelector: _anyNode, ...spec } = made.object.spec?.template?.spec ?? { containers: [] };
  const began = systemClock.now();
  const created = await world.createPod(spec as Partial<Pod['spec']>, { name });
  let log = '';
  for (;;) {
    const pod = await world.readPod(name);
    log = world.node.logs(created, 'build').output || log;
    const ended = pod?.status?.containerStatuses?.[0]?.state?.terminated;
    const seconds = (systemClock.now() - began) / 1000;
    if (ended !== undefined) return { exitCode: ended.exitCode, message: ended.message ?? '', log, seconds };
    if (pod === undefined) return { exitCode: 137, message: 'the pod is gone', log, seconds };
    if (signal?.aborted && pod.metadata.deletionTimestamp === undefined) {
      await world.client.delete(pods, { namespace, name });
    }
    const waiting = pod.status?.containerStatuses?.[0]?.state?.waiting;
    if (/Err|Invalid/.test(waiting?.reason ?? '')) throw new Error(`${recipe.image}: ${JSON.stringify(waiting)}`);
    await sleep(systemClock, lookAgainMs);
  }
}

function requestOf(world: TestWorld, { recipe, toolkit }: BuildPodOptions): BuildRequest {
  const names = [...(recipe.build?.secrets ?? []), ...(recipe.imageRepoSecret ? [recipe.imageRepoSecret] : [])];
  const facts = (name: string): SecretFacts => ({
    uid: name,
    resourceVersion: '1',
    insecureAllowed: false,
    use: name === recipe.imageRepoSecret ? 'pull' : 'build',
  });
  return {
    recipe,
    toolkit,
    namespace,
    module: { name: 'kmm-sample', label: labels.managedClusterModule },
    owner: {
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ManagedClusterModule',
      name: 'kmm-sample',
      uid: 'of-the-test',
    },
    hash: '0123456789abcdef',
    secrets: new Map(names.map((name) => [name, facts(name)])),
    strictSecrets: true,
    settings: {
      builderImage: world.shellImage,
      serviceAccountName: 'default',
      privileges: 'Privileged',
      deadlineSeconds: 600,
      resources: {},
      trustedCa: 'authorities',
    },
  };
}

/** What the pod mounts. */
async function store({ client }: TestWorld, { recipe, dockerfile, secretData, caPem }: BuildPodOptions): Promise<void> {
  const maps: Record<string, Record<string, string>> = {
    [recipe.build?.dockerfileConfigMap ?? '']: { dockerfile },
    authorities: { 'ca-bundle.crt': caPem },
  };
  for (const [name, data] of Object.entries(maps)) {
    await client.delete(configMaps, { namespace, name });
    await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data });
  }
  for (const [name, texts] of Object.entries(secretData)) {
    const entries = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    await client.delete(secrets, { namespace, name });
    await client.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name },
      data: Object.fromEntries(entries),
    });
  }
}
