import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { podField } from './downward.ts';
import { ConfigError, keyedContent } from './environment.ts';
import { hostPathPlace, MountError } from './host-path.ts';

type Volume = NonNullable<Pod['spec']['volumes']>[number];
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];
/** What is in a volume, by path. */
type Files = Record<string, string | Buffer>;
type Items = readonly { key: string; path: string }[] | undefined;

export interface VolumeOptions {
  readonly client: KubeClient;
  /** The pod's own folder on the node; it holds what kubelet makes for it. */
  readonly folder: string;
  readonly hostRoot: string;
}

/**
 * Sets the pod's volumes up, or brings them up to date, and returns the place of each. Throws `MountError` naming the
 * volume. An emptyDir lives as long as the pod, also over restarts of the node.
 */
export async function setUpVolumes(pod: Pod, options: VolumeOptions): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    try {
      places.set(volume.name, await setUp(pod, volume, options));
    } catch (error) {
      if (!(error instanceof MountError || error instanceof ConfigError)) throw error;
      throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
    }
  }
  return places;
}

async function setUp(pod: Pod, volume: Volume, { client, folder, hostRoot }: VolumeOptions): Promise<string> {
  if (volume.hostPath) return hostPathPlace(hostRoot, volume.hostPath.path, volume.hostPath.type);
  const place = `${folder}/volumes/${volume.name}`;
  await mkdir(place, { recursive: true });
  if (!volume.emptyDir) await writeFiles(place, await volumeFiles(client, pod, volume));
  return place;
}

async function volumeFiles(client: KubeClient, pod: Pod, volume: Volume): Promise<Files> {
  const { downwardAPI, configMap, secret, projected } = volume;
  if (downwardAPI) return projectedFiles(client, pod, { downwardAPI });
  if (configMap) return projectedFiles(client, pod, { configMap });
  if (secret) return projectedFiles(client, pod, { secret: { ...secret, name: secret.secretName } });
  if (!projected) throw new MountError('the stand-in does not model this kind of volume');
  const all = await Promise.all((projected.sources ?? []).map((source) => projectedFiles(client, pod, source)));
  return Object.assign({}, ...all);
}

async function projectedFiles(client: KubeClient, pod: Pod, source: Projection): Promise<Files> {
  if (source.downwardAPI) {
    const items = source.downwardAPI.items ?? [];
    return Object.fromEntries(items.map((item) => [item.path, fieldOf(pod, item.fieldRef?.fieldPath)]));
  }
  // No pod of the world talks to its API server: any text does.
  if (source.serviceAccountToken) return { [source.serviceAccountToken.path]: 'stand-in' };
  const reference = source.secret ?? source.configMap;
  if (reference === undefined) throw new MountError('the stand-in does not model this projection');
  const kind = source.secret ? 'secret' : 'configmap';
  const data = await keyedContent(client, pod, { kind, name: reference.name ?? '', optional: reference.optional });
  return selected(data ?? {}, reference.items);
}

function fieldOf(pod: Pod, path = ''): string {
  const value = podField(pod, path);
  if (value === undefined) throw new MountError(`unsupported fieldPath: ${path}`);
  return value;
}

function selected(data: Files, items: Items): Files {
  if (items === undefined) return data;
  return Object.fromEntries(
    items.map(({ key, path }) => {
      const value = data[key];
      if (value === undefined) throw new MountError(`references non-existent config key: ${key}`);
      return [path, value];
    }),
  );
}

/** Only what differs is written, whole and at once: a container may be reading. */
async function writeFiles(place: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    if (path.split('/').includes('..')) throw new MountError(`expected a path inside the volume, got ${path}`);
    const file = posix.join(place, path);
    if ((await readFile(file).catch(absent))?.equals(Buffer.from(content))) continue;
    await mkdir(posix.dirname(file), { recursive: true });
    await writeFile(`${file}.new`, content);
    await rename(`${file}.new`, file);
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
