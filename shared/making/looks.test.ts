import assert from 'node:assert/strict';
import { silentLog } from '../core/log.ts';
import { settle, VirtualClock } from '../testing/virtual-clock.ts';
import type { Want } from './image-wants.ts';
import { Looks } from './looks.ts';
import { expectationOf, type Finding, Verdicts } from './verdicts.ts';

const tls = { insecure: false, insecureSkipTLSVerify: false };
const digest = `sha256:${'a'.repeat(64)}`;

function want(image: string): Want {
  const recipe = { image, registryTLS: tls, kernel: '6.1.0-13', dirName: '/opt' };
  return { token: image, image, request: { image, tls, recipe }, recipe, generation: undefined };
}

/** Looks that end when the test says. */
function start() {
  const clock = new VirtualClock();
  const asked: { image: string; end: PromiseWithResolvers<readonly Finding[]> }[] = [];
  const ended: string[] = [];
  const verdicts = new Verdicts();
  const looks = new Looks({
    verify: (wants) => {
      const end = Promise.withResolvers<readonly Finding[]>();
      asked.push({ image: wants[0]?.image ?? '', end });
      return end.promise;
    },
    verdicts,
    runtime: { clock, log: silentLog },
    onEnd: (image) => ended.push(image),
  });
  const kinds = (image: string) => [...verdicts.of(image, digest).values()].map(({ kind }) => kind);
  return { looks, asked, ended, kinds, verdicts };
}

describe('looks into images', () => {
  it('are under way beside all else, one an image, and wake it at their end', async () => {
    const { looks, asked, ended, kinds } = start();
    for (const image of ['a', 'b', 'a']) looks.begin(image, digest, [want(image)]);
    assert.deepEqual(
      asked.map(({ image }) => image),
      ['a', 'b'],
    );
    asked[1]?.end.resolve([{ kind: 'good', digest }]);
    await settle();
    assert.deepEqual([ended, kinds('a'), kinds('b')], [['b'], [], ['good']]);
    looks.begin('b', digest, [want('b')]);
    assert.equal(asked.length, 3, 'after its end it may be looked into again');
  });

  it('that fail are no verdict: that is said, and looked again later', async () => {
    const { looks, asked, ended, kinds, verdicts } = start();
    looks.begin('a', digest, [want('a')]);
    asked[0]?.end.reject(new Error('a mistake of ours'));
    await settle();
    assert.deepEqual([ended, kinds('a')], [['a'], ['unknown']]);
    const [verdict] = verdicts.of('a', digest).values();
    assert.match(verdict?.message ?? '', /a mistake of ours/);
  });

  it('are of one architecture: what is good for one is not known to be for another', () => {
    const { verdicts } = start();
    const [arm, amd] = ['arm64', 'amd64'].map((architecture) => {
      const asked = want('a');
      return { ...asked, recipe: { ...asked.recipe, architecture } };
    });
    assert.ok(arm && amd);
    verdicts.note('a', digest, { open: [arm], found: [{ kind: 'good', digest }], nowMs: 0 });
    const known = verdicts.of('a', digest);
    assert.deepEqual([known.has(expectationOf(arm.recipe)), known.has(expectationOf(amd.recipe))], [true, false]);
  });
});
