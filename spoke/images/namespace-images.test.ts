import assert from 'node:assert/strict';
import { silentLog } from '../../shared/core/log.ts';
import type { ImageState } from '../../shared/images/look-up.ts';
import { settle, VirtualClock } from '../../shared/testing/virtual-clock.ts';
import { NamespaceImages } from './namespace-images.ts';
import type { WantedImage } from './wanted.ts';

const tls = { insecure: false, insecureSkipTLSVerify: false };
const kernel = '6.1.0-28-amd64';
function image(name: string): WantedImage {
  const recipe = { image: name, registryTLS: tls, kernel, dirName: '/opt' };
  return { kernel, request: { image: name, tls, recipe }, generation: undefined };
}

/** A namespace that allows it or not, and what was asked of its making. */
function start() {
  const clock = new VirtualClock();
  const stopping = new AbortController();
  const world = {
    refusal: 'not here' as string | undefined,
    asked: 0,
    isIdle: true,
    state: { state: 'Verified', digest: 'sha256:a' } as ImageState,
    calls: [] as string[],
    told: [] as string[],
    isDown: false,
  };
  const images = new NamespaceImages({
    runtime: { clock, log: silentLog },
    refusal: async () => {
      world.asked += 1;
      if (world.isDown) throw new Error('no API server');
      return world.refusal;
    },
    open: async () => {
      world.calls.push('open');
      return {
        want: (token) => void world.calls.push(`want ${token}`),
        forget: (token) => void world.calls.push(`forget ${token}`),
        state: () => world.state,
        hasJobs: () => !world.isIdle,
        isIdle: () => world.isIdle,
        close: async () => void world.calls.push('close'),
      };
    },
    onChange: (tokens) => world.told.push(...tokens),
    signal: stopping.signal,
  });
  const pass = async (ms: number) => {
    await clock.advance(ms);
    await settle();
  };
  return { images, world, pass, stopping };
}

describe('the images of one namespace', () => {
  it('are not begun where they may not be made; that is said, and asked again', async () => {
    const { images, world, pass } = start();
    images.want('a', image('r.example/a:1'));
    await pass(1);
    assert.deepEqual(images.state(image('r.example/a:1')), {
      state: 'Failed',
      reason: 'MayNotMakeImages',
      message: 'not here',
    });
    assert.deepEqual([world.calls, world.told], [[], ['a']]);
    await pass(120_000);
    assert.ok(world.asked >= 4 && world.asked <= 6, `asked ${world.asked} times in two minutes`);
    assert.deepEqual(world.told, ['a'], 'and nobody is woken for the same answer');
    world.refusal = undefined;
    await pass(31_000);
    assert.deepEqual(world.calls, ['open', 'want a']);
    assert.equal(images.state(image('r.example/a:1')).state, 'Verified');
  });

  it('are wanted once, however often that is said', async () => {
    const { images, world, pass } = start();
    world.refusal = undefined;
    images.want('a', image('r.example/a:1'));
    await pass(1);
    images.want('a', image('r.example/a:1'));
    images.want('a', image('r.example/a:2'));
    images.want('b', image('r.example/b:1'));
    images.forget('b');
    images.forget('b');
    assert.deepEqual(world.calls, ['open', 'want a', 'want a', 'want b', 'forget b']);
  });

  it('are closed when nobody wants one any more, and no Job is left', async () => {
    const { images, world, pass } = start();
    world.refusal = undefined;
    images.want('a', image('r.example/a:1'));
    await pass(1);
    images.forget('a');
    world.isIdle = false;
    await pass(600_000);
    assert.ok(!world.calls.includes('close'));
    world.isIdle = true;
    await pass(120_000);
    assert.equal(world.calls.at(-1), 'close');
    await images.ended;
  });

  it('are given up where the right was taken away before they were there, and begun again with it', async () => {
    const { images, world, pass } = start();
    world.refusal = undefined;
    world.state = { state: 'Building', reason: 'ImageBuilding', message: '' };
    images.want('a', image('r.example/a:1'));
    await pass(1);
    world.refusal = 'no more';
    await pass(120_000);
    assert.match(JSON.stringify(images.state(image('r.example/a:1'))), /MayNotMakeImages/);
    assert.deepEqual(world.calls, ['open', 'want a', 'close']);
    world.refusal = undefined;
    await pass(31_000);
    assert.deepEqual(world.calls.slice(3), ['open', 'want a']);
  });

  it('go on while an API server does not answer whether they still may', async () => {
    const { images, world, pass } = start();
    world.refusal = undefined;
    world.state = { state: 'Building', reason: 'ImageBuilding', message: '' };
    images.want('a', image('r.example/a:1'));
    await pass(1);
    world.isDown = true;
    await pass(600_000);
    assert.deepEqual(world.calls, ['open', 'want a']);
  });

  it('wait for an API server that does not say whether they may be made, and say so', async () => {
    const { images, world, pass } = start();
    world.isDown = true;
    images.want('a', image('r.example/a:1'));
    assert.equal(images.state(image('r.example/a:1')).state, 'Checking');
    await pass(60_000);
    const state = images.state(image('r.example/a:1'));
    assert.ok(state.state === 'Unknown' && state.reason === 'PermissionUnknown', JSON.stringify(state));
    assert.match(state.message, /^could not ask whether images may be made .* every 30 s: no API server$/);
    assert.deepEqual(world.told, ['a'], 'once, while it is the same');
    Object.assign(world, { isDown: false, refusal: undefined });
    await pass(31_000);
    assert.deepEqual(world.calls, ['open', 'want a']);
    assert.equal(images.state(image('r.example/a:1')).state, 'Verified');
    assert.deepEqual(world.told, ['a', 'a'], 'and that it is over');
  });

  it('are closed when the right is taken away and nobody wants one any more, though Jobs are left', async () => {
    const { images, world, pass } = start();
    world.refusal = undefined;
    images.want('a', image('r.example/a:1'));
    await pass(1);
    images.forget('a');
    world.isIdle = false;
    world.refusal = 'no more';
    await pass(120_000);
    assert.equal(world.calls.at(-1), 'close');
    await images.ended;
  });

  it('end with the program', async () => {
    const { images, world, pass, stopping } = start();
    world.refusal = undefined;
    images.want('a', image('r.example/a:1'));
    await pass(1);
    stopping.abort();
    await images.ended;
    assert.equal(world.calls.at(-1), 'close');
  });
});
