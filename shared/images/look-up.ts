import type { Existence, RegistryClient } from '../registry/client.ts';
import type { RegistryReason } from '../registry/failure.ts';
import { parseReference, type Reference } from '../registry/reference.ts';
import type { RegistryTls } from '../registry/session.ts';
import { type LogInSources, logIn } from './log-in.ts';
import type { SecretName } from './pull-secret.ts';
import type { ImageRecipe } from './recipe.ts';

/** What is asked of a registry: an image with variables substituted, and how the Module wants it to be reached. */
export interface ImageRequest {
  image: string;
  /** `imageRepoSecret`, in the namespace where the hub reads Secrets. */
  secret?: SecretName;
  tls: RegistryTls;
  /** How it is made when it is missing. */
  recipe?: ImageRecipe;
}

/** What is known of an image. Only `Missing` says that it is not there (contract 8); `digest` is of the top-level manifest or index. */
export type ImageState =
  | { state: 'Building' | 'Signing' | 'Failed'; reason: string; message: string }
  | { state: 'Checking' }
  | { state: 'Verified'; digest: string }
  | { state: 'Missing'; message: string }
  | { state: 'Unknown'; reason: UnknownReason; message: string };

/** `PermissionUnknown`: of a spoke, which could not ask whether it may make the image. */
export type UnknownReason = RegistryReason | 'InvalidImage' | 'SecretUnusable' | 'PermissionUnknown';

export interface LookUp {
  state: ImageState;
  /** About the Secret, whatever the state. */
  warning?: string;
  /** How long the registry wants to be left alone. */
  retryAfterMs?: number | undefined;
}

export interface LookUpSources extends LogInSources {
  registry: Pick<RegistryClient, 'exists' | 'takesPushes'>;
}

/** One question to one registry about one image. Never throws an operating error. */
export async function lookUp(sources: LookUpSources, request: ImageRequest): Promise<LookUp> {
  const parsed = parseReference(request.image);
  if (parsed.kind === 'invalid') return unknown('InvalidImage', parsed.message);
  const { reference } = parsed;
  if (reference.tag === undefined && reference.digest === undefined) {
    return unknown('InvalidImage', `image ${request.image}: expected a tag or a digest, got neither`);
  }
  if (request.secret === undefined) {
    const answer = await sources.registry.exists({ reference, tls: request.tls });
    return { state: stateOf(answer), ...pause(answer) };
  }
  return lookUpWithSecret(sources, { ...request, reference, secret: request.secret });
}

async function lookUpWithSecret(
  sources: LookUpSources,
  request: ImageRequest & { reference: Reference; secret: SecretName },
): Promise<LookUp> {
  const { reference, secret: name, tls } = request;
  const judged = await logIn(sources, name, reference);
  if (judged.kind === 'refused') return unknown('SecretUnusable', judged.message);
  const { credentials, warning, trouble } = judged;
  const answer = await sources.registry.exists({ reference, tls, credentials });
  const rest = { ...(warning !== undefined && { warning }), ...pause(answer) };
  const inDoubt = answer.kind === 'missing' || (answer.kind === 'unknown' && answer.reason === 'AccessDenied');
  if (!inDoubt) return { state: stateOf(answer), ...rest };
  // Who comes without the login that was meant may be told that there is nothing: that is not to be believed.
  if (trouble !== undefined)
    return { ...unknown('SecretUnusable', `${trouble}; without it: ${answer.message}`), ...rest };
  if (answer.kind === 'missing') return { state: stateOf(answer), ...rest };
  // Some registries refuse to speak of what they have not. Who may push there may build it (contract 8).
  const isBuilt = request.recipe?.build !== undefined && credentials.length > 0;
  if (isBuilt && (await sources.registry.takesPushes({ reference, tls, credentials }))) {
    return { state: { state: 'Missing', message: `${answer.message}; the login may push there` }, ...rest };
  }
  if (credentials.length > 0) return { state: stateOf(answer), ...rest };
  const message = `${answer.message}; Secret ${name.namespace}/${name.name} has no login for ${reference.registry}`;
  return { ...unknown('AccessDenied', message), ...rest };
}

function stateOf(answer: Existence): ImageState {
  if (answer.kind === 'found') return { state: 'Verified', digest: answer.digest };
  if (answer.kind === 'missing') return { state: 'Missing', message: answer.message };
  return { state: 'Unknown', reason: answer.reason, message: answer.message };
}

function pause(answer: Existence): Pick<LookUp, 'retryAfterMs'> {
  return answer.kind === 'unknown' && answer.retryAfterMs !== undefined ? { retryAfterMs: answer.retryAfterMs } : {};
}

function unknown(reason: RegistryReason | 'InvalidImage' | 'SecretUnusable', message: string): LookUp {
  return { state: { state: 'Unknown', reason, message } };
}
