import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { type Descriptor, isDescriptor } from '../../registry/descriptor.ts';
import { digestOf } from '../../registry/manifest.ts';

/** As much of a registry as an image can be laid into and taken out of. */
export interface TestStore {
  blob(digest: string): Buffer | undefined;
  putBlob(content: Buffer): string;
  putManifest(repository: string, reference: string, manifest: { mediaType: string; content: Buffer }): string;
  manifest(repository: string, reference: string): { mediaType: string; content: Buffer; digest: string } | undefined;
}

export type TestFamily = 'oci' | 'docker';

const types = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
};

/** Stores an image of these tars, with members that only another program knows. */
export function storeImage(
  store: TestStore,
  at: { repository: string; tag: string },
  options: { tars: readonly Buffer[]; family?: TestFamily; architecture?: string; history?: boolean },
): Descriptor {
  const { tars, family = 'oci', architecture = 'amd64', history = true } = options;
  const put = (mediaType: string, content: Buffer): Descriptor => {
    return { mediaType, digest: store.putBlob(content), size: content.length };
  };
  const config = {
    created: '2026-01-02T03:04:05Z',
    architecture,
    os: 'linux',
    config: { Env: ['A=b'], Labels: { kept: 'yes' } },
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
    ...(history && { history: tars.map((_tar, index) => ({ created_by: `step ${index}` })) }),
    'x-unknown': { kept: [1, 2] },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: types[family].manifest,
    config: { ...put(types[family].config, Buffer.from(JSON.stringify(config))), annotations: { of: 'config' } },
    layers: tars.map((tar) => put(types[family].layer, gzipSync(tar))),
    annotations: { 'org.example.kept': 'yes' },
    'x-unknown': true,
  };
  const content = Buffer.from(JSON.stringify(manifest));
  const digest = store.putManifest(at.repository, at.tag, { mediaType: types[family].manifest, content });
  return { mediaType: types[family].manifest, digest, size: content.length };
}

export interface StoredImage {
  digest: string;
  manifest: { config: Descriptor; layers: Descriptor[] } & Record<string, unknown>;
  config: Record<string, unknown> & { rootfs: { diff_ids: string[] }; history?: unknown[] };
  /** The entries of the top layer, in their order. */
  top: { header: Header; content: Buffer }[];
}

export async function storedImage(store: TestStore, repository: string, reference: string): Promise<StoredImage> {
  const stored = store.manifest(repository, reference)!;
  const manifest = JSON.parse(stored.content.toString()) as StoredImage['manifest'];
  const blob = (descriptor: unknown) => store.blob(isDescriptor(descriptor) ? descriptor.digest : '')!;
  const config = JSON.parse(blob(manifest.config).toString()) as StoredImage['config'];
  const top = await entriesOfTar(gunzipSync(blob(manifest.layers.at(-1))));
  return { digest: stored.digest, manifest, config, top };
}

async function entriesOfTar(tar: Buffer): Promise<StoredImage['top']> {
  const archive = extract();
  archive.end(tar);
  const entries: StoredImage['top'] = [];
  for await (const entry of archive) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
    entries.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  return entries;
}
