import assert from 'node:assert/strict';
import { koFile, vermagicOf } from '../../e2e/world/kernel/ko.ts';
import { buildImage, type LayerEntry } from '../../e2e/world/registry/oci-image.ts';
import { type Registry, startRegistry } from '../../e2e/world/registry/server.ts';
import { systemClock } from '../core/clock.ts';
import { RegistryClient } from '../registry/client.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { imageVerifier } from './image-verifier.ts';
import type { Want } from './image-wants.ts';

const kernels = ['6.1.0-13', '6.1.0-14', '6.1.0-15'];
const layersCount = 20;
const tls = { insecure: false, insecureSkipTLSVerify: false };

describe('the look into an image that was made', () => {
  let registry: Registry;
  let client: RegistryClient;
  let digest: string;
  const clock = new VirtualClock();

  before(async () => {
    registry = await startRegistry({ clock: systemClock });
    client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
    const modules = kernels.map((kernel): LayerEntry[] => [
      { path: `/opt/lib/modules/${kernel}/nic.ko`, content: koFile({ name: 'nic', vermagic: vermagicOf(kernel) }) },
      { path: `/opt/lib/modules/${kernel}/modules.dep`, content: 'nic.ko:\n' },
    ]);
    const rest = Array.from({ length: layersCount - kernels.length }, (_, index): LayerEntry[] => [
      { path: `/layer-${index}`, content: `${index}` },
    ]);
    const image = await buildImage({ layers: [...rest, ...modules] });
    for (const blob of image.blobs) registry.store.putBlob(blob);
    for (const manifest of image.manifests) registry.store.putManifest('team/nic', '1', manifest);
    digest = image.digest;
  });
  after(async () => {
    await client.close();
    await registry.stop();
  });

  const want = (token: string, kernel: string, secret?: Want['request']['secret']): Want => {
    const image = `${registry.host}/team/nic:1`;
    const recipe = { image, registryTLS: tls, kernel, dirName: '/opt', moduleName: 'nic' };
    return { token, image, request: { image, tls, recipe, ...(secret && { secret }) }, recipe, generation: undefined };
  };
  const verify = (wants: readonly Want[]) =>
    imageVerifier({ registry: client, readSecret, clock, concurrency: 8 })(wants, digest);
  /** So many images of a host, each looked into by itself. */
  const wantsOf = (host: string, count: number): Want[] =>
    Array.from({ length: count }, (_, index) => {
      const found = want(`${index}`, kernels[0] ?? '');
      const image = found.image.replace(registry.host, host).replace(':1', `:${index}`);
      return { ...found, image, request: { ...found.request, image, tls: { ...tls, insecureSkipTLSVerify: true } } };
    });
  const readSecret = () => Promise.reject(new Error('the API server is not there'));
  const layersRead = () => registry.requests.filter(({ path }) => path.includes('/blobs/')).length;

  it('is one download for all who want something of it, in their order', async () => {
    const kinds = (await verify([...kernels, 'none'].map((kernel) => want(kernel, kernel)))).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['good', 'good', 'good', 'bad']);
    assert.equal(
      layersRead(),
      1 + layersCount + kernels.length,
      'configuration and layers, and once more those with modules',
    );
  });

  it('is by the way of each who wants it: whose Secret may not be used keeps nobody else from it', async () => {
    const wants = [want('a', kernels[0] ?? '', { namespace: 'kmm', name: 'none' }), want('b', kernels[1] ?? '')];
    assert.deepEqual(
      (await verify(wants)).map(({ kind }) => kind),
      ['unknown', 'good'],
    );
  });

  it('ends at its deadline, and the download with it', async () => {
    const before = layersRead();
    registry.fault = () => {
      if (layersRead() === before + 5) void clock.advance(10 * 60_000);
      return undefined;
    };
    const [answer] = await verify([want('a', kernels[0] ?? '')]);
    assert.deepEqual(answer, {
      kind: 'unknown',
      reason: 'RegistryUnavailable',
      message: 'the image was not read within 10 minutes',
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    registry.fault = () => undefined;
    assert.ok(layersRead() <= before + 6, `${layersRead() - before} requests of ${layersCount} and more`);
  });

  it('leaves places to other registries, and half of all to other questions, when one lets its answers drip', async () => {
    const dripping = await startRegistry({ clock: systemClock });
    let held = 0;
    dripping.fault = () => {
      held += 1;
      return { delayMs: 60_000 };
    };
    const slow = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
    try {
      const look = imageVerifier({ registry: slow, readSecret, clock, concurrency: 8 });
      for (const each of wantsOf(dripping.host, 16)) void look([each], digest);
      while (held < 3) await new Promise((resolve) => setTimeout(resolve, 10));
      const [answer] = await look([want('a', kernels[0] ?? '')], digest);
      assert.equal(answer?.kind, 'good');
      assert.equal(held, 3);
    } finally {
      await slow.close();
      await dripping.stop();
    }
  });
});
