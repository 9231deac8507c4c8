// `npm run bench:sign-memory [-- --mebibytes N]`: what signing an image of 1 GiB costs. A registry in this process holds it, the sign Job's
// program runs in another one, and Linux counts its resident memory. Exit code 1 when the goal of issue 6 is missed.
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { sleep, systemClock } from '../../shared/core/clock.ts';
import { elfModule } from '../../shared/testing/elf-module.ts';
import { makeSigningKeys } from '../../shared/testing/signing-keys.ts';
import { type Registry, startRegistry } from '../world/registry/server.ts';
import { sha256Digest } from '../world/registry/store.ts';

const goalMiB = 200;
const readEveryMs = 50;
const mebibyte = 1024 * 1024;
const kernel = '6.1.0';

const { values } = parseArgs({ options: { mebibytes: { type: 'string', default: '1024' } } });
const layerMiB = 64;
const layerCount = Math.ceil(Number(values.mebibytes) / layerMiB);

// It runs under Node's own memory limits, as in its pod.
const registry = await startRegistry({ clock: systemClock });
const other = await startRegistry({ clock: systemClock, plain: true });
const folder = mkdtempSync(join(tmpdir(), 'sign-memory-'));
try {
  await storeLargeImage(registry);
  await writeSecrets();
  const mounted = await measure('to the same registry (mounted)', `${registry.host}/other/app:1`);
  const copied = await measure('to another registry (copied)', `${other.host}/team/app:1`);
  process.exitCode = mounted && copied ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
  await Promise.all([registry.stop(), other.stop()]);
}

/** Layers that do not shrink, of many files each, and one of modules. */
async function storeLargeImage({ store }: Registry): Promise<void> {
  const filesPerLayer = 2_000;
  const noise = randomFillSync(Buffer.alloc(layerMiB * mebibyte));
  const layers: { tar: Buffer; stored: Buffer }[] = [];
  for (let index = 0; index < layerCount; index += 1) {
    noise.writeUInt32BE(index);
    const bytes = Math.floor(noise.length / filesPerLayer);
    const files = Array.from({ length: filesPerLayer }, (_, at): [string, Buffer] => [
      `usr/share/${index}/${at}`,
      noise.subarray(at * bytes, (at + 1) * bytes),
    ]);
    const tar = await tarOf(files);
    layers.push({ tar, stored: gzipSync(tar, { level: 1 }) });
  }
  const ko = elfModule({ text: randomFillSync(Buffer.alloc(2 * mebibyte)) });
  const modules = await tarOf(Array.from({ length: 8 }, (_, at) => [`opt/lib/modules/${kernel}/extra/m${at}.ko`, ko]));
  layers.push({ tar: modules, stored: gzipSync(modules) });
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => sha256Digest(tar)) },
    }),
  );
  const described = (mediaType: string, content: Buffer) => ({
    mediaType: `application/vnd.oci.image.${mediaType}`,
    digest: store.putBlob(content),
    size: content.length,
  });
  const manifest = {
    schemaVersion: 2,
    config: described('config.v1+json', config),
    layers: layers.map(({ stored }) => described('layer.v1.tar+gzip', stored)),
  };
  const content = Buffer.from(JSON.stringify(manifest));
  store.putManifest('team/app', 'unsigned', { mediaType: 'application/vnd.oci.image.manifest.v1+json', content });
  const total = manifest.layers.reduce((sum, { size }) => sum + size, 0);
  console.log(
    `image: ${Math.round(total / mebibyte)} MiB in ${layers.length} layers, ${layerCount * filesPerLayer} files`,
  );
}

async function tarOf(files: readonly (readonly [string, Buffer])[]): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of files) archive.entry({ name, mtime: new Date(0) }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function writeSecrets(): Promise<void> {
  const { key, certificate } = await makeSigningKeys({ rsa: 2048 });
  const files = {
    'key/key': key.export({ type: 'pkcs8', format: 'pem' }),
    'cert/cert': certificate,
    'ca.pem': registry.caPem,
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

async function measure(what: string, signed: string): Promise<boolean> {
  const startedMs = systemClock.now();
  const child = spawn(process.execPath, ['shared/sign/main.ts'], {
    env: {
      KMM_UNSIGNED_IMAGE: `${registry.host}/team/app:unsigned`,
      KMM_SIGNED_IMAGE: signed,
      KMM_SIGNED_TLS: JSON.stringify({ insecure: signed.startsWith(other.host) }),
      KMM_FILES_TO_SIGN: JSON.stringify([`/opt/lib/modules/${kernel}/extra/*.ko`]),
      KMM_DIR_NAME: '/opt',
      KMM_KERNEL: kernel,
      KMM_CA_FILE: join(folder, 'ca.pem'),
      KMM_SECRETS_ROOT: folder,
      KMM_TERMINATION_LOG: join(folder, 'termination-log'),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let peakMiB = 0;
  const exit = once(child, 'exit') as Promise<[number]>;
  const ended = new AbortController();
  exit.finally(() => ended.abort());
  while (!ended.signal.aborted) {
    peakMiB = Math.max(peakMiB, peakOf(child.pid ?? 0));
    await sleep(systemClock, readEveryMs, ended.signal);
  }
  const [code] = await exit;
  const result = readFileSync(join(folder, 'termination-log'), 'utf8');
  const seconds = ((systemClock.now() - startedMs) / 1000).toFixed(1);
  const isGood = code === 0 && peakMiB <= goalMiB;
  console.log(`${isGood ? 'ok    ' : 'MISSED'} ${what}: peak ${peakMiB} MiB (goal ${goalMiB}), ${seconds} s`);
  if (code !== 0) console.log(result);
  return isGood;
}

/** Resident at most until now, as Linux counts it; 0 once the process is gone. */
function peakOf(pid: number): number {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Math.round(Number(kibibytes ?? 0) / 1024);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return 0;
    throw error;
  }
}
