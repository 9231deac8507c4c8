import { secrets } from '../../../shared/kube/resources.ts';
import type { ImageTarget } from '../../../shared/registry/client.ts';
import { loginsFor, parseDockerConfig } from '../../../shared/registry/docker-config.ts';
import { parseReference } from '../../../shared/registry/reference.ts';
import { type Fleet, hubNamespace, pullSecret } from './fleet.ts';

/** An image of the fleet's registry as whoever may read the hub's pull secret asks for it. Throws for what is no image's name. */
export async function imageTarget(fleet: Fleet, image: string): Promise<ImageTarget> {
  const parsed = parseReference(image);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  const { reference } = parsed;
  const at = { namespace: hubNamespace, name: pullSecret };
  const { data = {} } = (await fleet.hub.client.get(secrets, at)) ?? {};
  const credentials = loginsFor(parseDockerConfig(data), reference).map((login) => ({
    ...login,
    insecureAllowed: false,
  }));
  return { reference, tls: { insecure: false, insecureSkipTLSVerify: false }, credentials };
}
