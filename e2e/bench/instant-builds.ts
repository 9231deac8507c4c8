import { sleep, systemClock } from '../../shared/core/clock.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { Job } from '../../shared/kube/object.ts';
import { jobs } from '../../shared/kube/resources.ts';
import { parseReference } from '../../shared/registry/reference.ts';
import { koFile, vermagicOf } from '../world/kernel/ko.ts';
import { buildModuleImage } from '../world/registry/module-image.ts';
import type { Registry } from '../world/registry/server.ts';

const lookEveryMs = 50;

interface Options {
  client: KubeClient;
  namespace: string;
  registry: Registry;
  signal: AbortSignal;
}

/** Plays Job controller, kubelet and builder: whatever build Job is there has pushed a module image, and is over. */
export function playBuilds(options: Options): { count(): number; stopped: Promise<void> } {
  const built = new Set<string>();
  return { count: () => built.size, stopped: play(options, built) };
}

async function play({ client, namespace, registry, signal }: Options, built: Set<string>): Promise<void> {
  while (!signal.aborted) {
    const { items } = await client.list(jobs, { namespace });
    for (const job of items) {
      const { uid = '', name } = job.metadata;
      if (built.has(uid)) continue;
      built.add(uid);
      await push(job, registry);
      const conditions = [{ type: 'Complete', status: 'True' }];
      const body = { status: { conditions } };
      await client.patch(jobs, { namespace, name }, { type: 'merge', body }, { subresource: 'status' });
    }
    await sleep(systemClock, lookEveryMs, signal);
  }
}

async function push(job: Job, { store }: Registry): Promise<void> {
  const variables = new Map(job.spec.template.spec?.containers[0]?.env?.map(({ name, value }) => [name, value]));
  const parsed = parseReference(variables.get('KMM_IMAGE') ?? '');
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  // Repositories are named after their modules, tags after kernels.
  const { repository, tag: kernel = '' } = parsed.reference;
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const content = koFile({ name, vermagic: vermagicOf(kernel) });
  const image = await buildModuleImage({ kernels: { [kernel]: { [`${name}.ko`]: content } }, comment: repository });
  for (const blob of image.blobs) store.putBlob(blob);
  for (const manifest of image.manifests) store.putManifest(repository, kernel, manifest);
}
