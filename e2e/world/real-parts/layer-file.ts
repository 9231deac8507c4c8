import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { systemClock } from '../../../shared/core/clock.ts';
import { hasBlob } from '../../../shared/registry/blob.ts';
import type { RepositorySession } from '../../../shared/registry/session.ts';
import { once, putManifest, uploadBlob } from '../../../shared/registry/upload.ts';
import { withLock } from '../control-plane/lock.ts';
import { say } from '../debian/say.ts';
import { worldPlatform } from '../registry/oci-image.ts';
import { sha256Digest } from '../registry/store.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** A layer as a file: too large to be held, too dear to be made twice. */
export interface LayerFile {
  path: string;
  /** Of the file, which is compressed. */
  digest: string;
  size: number;
  /** Of what it unpacks to. */
  diffId: string;
}

/** The layer `name` of a cache folder. Where it is missing, `fill` puts its files into an empty folder. */
export async function layerFile(
  folder: string,
  name: string,
  fill: (root: string) => Promise<void>,
): Promise<LayerFile> {
  const kept = keptLayer(folder, name);
  if (kept !== undefined) return kept;
  const { path, facts } = filesOf(folder, name);
  const waiting = (holder: string) => say(`process ${holder} makes ${name}: waiting for it`);
  return withLock(join(folder, `${name}.lock`), waiting, async () => {
    const meanwhile = keptLayer(folder, name);
    if (meanwhile !== undefined) return meanwhile;
    const began = systemClock.now();
    say(`making ${name}, once for this machine …`);
    const root = await mkdtemp(join(folder, `${name}-`));
    try {
      await fill(root);
      // A temporary folder is its owner's alone, and an image's root must not be.
      chmodSync(root, 0o755);
      writeFileSync(`${facts}.part`, JSON.stringify(await pack(root, path)));
      // The facts come last: a layer that has them is whole.
      renameSync(`${facts}.part`, facts);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
    say(`made ${name} in ${Math.round((systemClock.now() - began) / 1000)} s`);
    return { path, ...factsIn(facts) };
  });
}

/** What `layerFile` has made before; undefined where it has not. */
export function keptLayer(folder: string, name: string): LayerFile | undefined {
  const { path, facts } = filesOf(folder, name);
  return existsSync(facts) ? { path, ...factsIn(facts) } : undefined;
}

function filesOf(folder: string, name: string): { path: string; facts: string } {
  return { path: join(folder, `${name}.tar.gz`), facts: join(folder, `${name}.json`) };
}

function factsIn(file: string): Omit<LayerFile, 'path'> {
  return JSON.parse(readFileSync(file, 'utf8'));
}

async function pack(root: string, path: string): Promise<Omit<LayerFile, 'path'>> {
  const tar = spawn('tar', ['--create', '--sort=name', '--numeric-owner', '-C', root, '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  const ended = new Promise<number | null>((resolve) => tar.on('close', resolve));
  // Made once and read from loopback: speed counts, not the last megabyte.
  await pipeline(tar.stdout, hashing(plain), createGzip({ level: 1 }), hashing(packed), createWriteStream(path));
  if ((await ended) !== 0) throw new Error(`tar of ${root} failed`);
  const [digest, diffId] = [packed, plain].map((hash) => `sha256:${hash.digest('hex')}`) as [string, string];
  return { digest, diffId, size: statSync(path).size };
}

function hashing(hash: ReturnType<typeof createHash>): Transform {
  return new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

/** Pushes an image of such layers, the lowest first, under a tag; gives its digest. What the repository has is not sent again. */
export async function pushLayers(
  session: RepositorySession,
  tag: string,
  layers: readonly LayerFile[],
): Promise<string> {
  const config = Buffer.from(
    JSON.stringify({
      ...worldPlatform,
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  );
  const described = { mediaType: configType, digest: sha256Digest(config), size: config.length };
  await uploadBlob(session, described, () => once(config));
  for (const layer of layers) {
    if (!(await hasBlob(session, layer.digest))) await uploadBlob(session, layer, () => createReadStream(layer.path));
  }
  const content = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: described,
      layers: layers.map(({ digest, size }) => ({ mediaType: layerType, digest, size })),
    }),
  );
  return putManifest(session, tag, { mediaType: manifestType, content });
}
