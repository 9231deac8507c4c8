import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { podField } from './downward.ts';
import { ConfigError, keyedBytes } from './environment.ts';
import { hostPathPlace, MountError } from './host-path.ts';

type Volume = NonNullable<Pod['spec']['volumes']>[number];
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];
type Items = readonly { key: string; path: string; mode?: number | undefined }[] | undefined;
/** By path in the volume. */
type Files = Record<string, { readonly content: Buffer; readonly mode: number }>;

const modeDefault = 0o644;

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
  const mode = (downwardAPI ?? configMap ?? secret ?? projected)?.defaultMode ?? modeDefault;
  const files = (source: Projection) => projectedFiles({ client, pod, mode }, source);
  if (downwardAPI) return files({ downwardAPI });
  if (configMap) return files({ configMap });
  if (secret) return files({ secret: { ...secret, name: secret.secretName } });
  if (!projected) throw new MountError('the stand-in does not model this kind of volume');
  const all = await Promise.all((projected.sources ?? []).map(files));
  return Object.assign({}, ...all);
}

async function projectedFiles(
  { client, pod, mode }: { client: KubeClient; pod: Pod; mode: number },
  source: Projection,
): Promise<Files> {
  const text = (value: string) => ({ content: Buffer.from(value), mode });
  if (source.downwardAPI) {
    const items = source.downwardAPI.items ?? [];
    return Object.fromEntries(items.map((item) => [item.path, text(fieldOf(pod, item.fieldRef?.fieldPath))]));
  }
  // No pod of the world talks to its API server: any text does.
  if (source.serviceAccountToken) return { [source.serviceAccountToken.path]: text('stand-in') };
  const reference = source.secret ?? source.configMap;
  if (reference === undefined) throw new MountError('the stand-in does not model this projection');
  const kind = source.secret ? 'secret' : 'configmap';
  const { name = '', optional, items } = reference;
  const data = await keyedBytes(client, pod, { kind, name, optional });
  return selected(data ?? {}, { items, optional: optional === true, mode });
}

function fieldOf(pod: Pod, path = ''): string {
  const value = podField(pod, path);
  if (value === undefined) throw new MountError(`unsupported fieldPath: ${path}`);
  return value;
}

function selected(
  data: Record<string, Buffer>,
  { items, optional, mode }: { items: Items; optional: boolean; mode: number },
): Files {
  const wanted = items ?? Object.keys(data).map((key) => ({ key, path: key, mode: undefined }));
  return Object.fromEntries(
    wanted.flatMap(({ key, path, mode: own }) => {
      const content = data[key];
      if (content === undefined && !optional) throw new MountError(`references non-existent config key: ${key}`);
      return content === undefined ? [] : [[path, { content, mode: own ?? mode }]];
    }),
  );
}

/** Only what differs is written, whole and at once: a container may be reading. */
async function writeFiles(place: string, files: Files): Promise<void> {
  for (const [path, { content, mode }] of Object.entries(files)) {
    if (path.split('/').includes('..')) throw new MountError(`expected a path inside the volume, got ${path}`);
    const file = posix.join(place, path);
    if ((await readFile(file).catch(absent))?.equals(content)) continue;
    await mkdir(posix.dirname(file), { recursive: true });
    await writeFile(`${file}.new`, content);
    // Whatever the mode, kubelet's user can read here: containers are of the same.
    await chmod(`${file}.new`, mode | 0o400);
    await rename(`${file}.new`, file);
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
