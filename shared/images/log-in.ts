import { errorMessage } from '../core/errors.ts';
import type { Secret } from '../kube/object.ts';
import type { Reference } from '../registry/reference.ts';
import { type PullSecret, pullSecret, type SecretName } from './pull-secret.ts';

export interface LogInSources {
  /** `undefined` when there is no such Secret. */
  readSecret: (namespace: string, name: string) => Promise<Secret | undefined>;
  /** Refuse Secrets without the label that says what they are for. */
  strictSecrets?: boolean;
}

/** What the Secret gives for an image; one that cannot be read is refused, too, with the reason. Never throws an operating error. */
export async function logIn(
  { readSecret, strictSecrets = false }: LogInSources,
  name: SecretName,
  reference: Reference,
): Promise<PullSecret> {
  try {
    const secret = await readSecret(name.namespace, name.name);
    return pullSecret(name, secret, { reference, strictSecrets });
  } catch (error) {
    return { kind: 'refused', message: `Secret ${name.namespace}/${name.name}: ${errorMessage(error)}` };
  }
}
