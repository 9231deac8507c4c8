import type { Clock } from '../../../shared/core/clock.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { secrets } from '../../../shared/kube/resources.ts';
import { type DockerConfig, parseDockerConfig } from '../../../shared/registry/docker-config.ts';
import { type BackOffEntry, nextEntry } from './back-off.ts';
import type { Container } from './container.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { ConfigError, type ContainerSpec, containerVariables } from './environment.ts';
import { ImageError, type ImageStore, type StoredImage } from './image-store.ts';

/** kubelet tries a start that failed again at its next look at the pod. */
export const retryMs = 2_000;

/** A container that could not be started: its waiting reason, and when kubelet looks again. */
export class LaunchError extends Error {
  override name = 'LaunchError';
  readonly reason: string;
  readonly retryAtMs: number;
  constructor(reason: string, message: string, retryAtMs: number) {
    super(message);
    this.reason = reason;
    this.retryAtMs = retryAtMs;
  }
}

export interface LaunchContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly runtime: ContainerRuntime;
  readonly images: ImageStore;
  readonly logins: readonly DockerConfig[];
  /** By image, for one pod: failed pulls. */
  readonly pullBackOff: Map<string, BackOffEntry & { message: string }>;
  readonly warn: (reason: string, note: string) => void;
  /** The pod is being deleted, or kubelet stops: nothing is started any more. */
  readonly cancelled: () => boolean;
}

/** Pulls the image, makes the files and starts the process. `undefined` when it was cancelled. Throws `LaunchError`. */
export async function launchContainer(
  context: LaunchContext,
  work: { pod: Pod; spec: ContainerSpec; volumes: ReadonlyMap<string, string> },
): Promise<Container | undefined> {
  const { pod, spec } = work;
  const image = await ensureImage(context, pod, spec);
  try {
    const variables = await containerVariables(context.client, pod, spec);
    if (context.cancelled()) return undefined;
    return await context.runtime.start({ ...work, image, variables });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    context.warn('Failed', `Error: ${error.message}`);
    throw new LaunchError('CreateContainerConfigError', error.message, context.clock.now() + retryMs);
  }
}

async function ensureImage(context: LaunchContext, pod: Pod, spec: ContainerSpec): Promise<StoredImage> {
  const { clock, images, pullBackOff, warn } = context;
  const image = spec.image ?? '';
  const pullPolicy = spec.imagePullPolicy;
  const entry = pullBackOff.get(image);
  const untilMs = entry === undefined ? 0 : entry.updatedMs + entry.delayMs;
  if (entry && untilMs > clock.now() && images.needsPull(image, pullPolicy)) {
    const message = `Back-off pulling image "${image}": ${entry.message}`;
    throw new LaunchError('ImagePullBackOff', message, untilMs);
  }
  try {
    return await images.ensure({ image, pullPolicy, logins: await pullLogins(context, pod) });
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    const nowMs = clock.now();
    if (error.reason === 'ErrImagePull') {
      pullBackOff.set(image, { ...nextEntry(entry, nowMs), message: `ErrImagePull: ${error.message}` });
      warn('Failed', `Failed to pull image "${image}": ${error.message}`);
    } else warn(error.reason, error.message);
    throw new LaunchError(error.reason, error.message, nowMs + retryMs);
  }
}

/** Read at each pull: a Secret that was put right helps the next attempt. One that is not there is told and left out. */
async function pullLogins({ client, logins, warn }: LaunchContext, pod: Pod): Promise<DockerConfig[]> {
  const found: DockerConfig[] = [];
  for (const { name = '' } of pod.spec.imagePullSecrets ?? []) {
    const secret = await client.get(secrets, { namespace: pod.metadata.namespace, name });
    if (secret) found.push(parseDockerConfig(secret.data ?? {}));
    else warn('FailedToRetrieveImagePullSecret', `Unable to retrieve some image pull secrets (${name})`);
  }
  return [...found, ...logins];
}
