import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { KubeObject, Secret } from '../../shared/kube/object.ts';
import { secrets } from '../../shared/kube/resources.ts';
import { pullSecret } from '../world/fleet/fleet.ts';

/** A file of `deploy/samples`, without `.yaml`; the registries that it names are folders of the one at `host`. */
export function readSample<T extends KubeObject>(name: string, host: string): T {
  const text = readFileSync(new URL(`../../deploy/samples/${name}.yaml`, import.meta.url), 'utf8');
  const at = { com: host, org: `${host}/org`, net: `${host}/net` };
  return parse(text.replaceAll(/registry\.example\.(com|org|net)/g, (_, last: keyof typeof at) => at[last])) as T;
}

/** The Secret that the samples pull and push with, in a namespace that has the fleet's. */
export async function createSampleLogin(client: KubeClient, namespace: string): Promise<void> {
  const fleets = await client.get(secrets, { namespace, name: pullSecret });
  if (fleets === undefined) throw new Error(`expected Secret ${pullSecret} in ${namespace}, got none`);
  const { metadata, ...rest } = fleets;
  const { labels = {} } = metadata;
  await client.create(secrets, { ...rest, metadata: { namespace, name: 'registry-credentials', labels } } as Secret);
}
