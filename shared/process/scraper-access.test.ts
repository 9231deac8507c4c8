import assert from 'node:assert/strict';
import { KubeError } from '../kube/errors.ts';
import type { KubeObject, Resource, SubjectAccessReview, TokenReview } from '../kube/object.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { testRuntime } from '../testing/runtime.ts';
import { ScraperAccess } from './scraper-access.ts';

/** An API server that knows the token `good` and gives the right to `prometheus`. */
function harness(answers: { fail?: Error; allowed?: boolean; hang?: Promise<void> } = {}) {
  const { clock, lines, runtime } = testRuntime();
  const asked: string[] = [];
  const client = fakeClient({
    async create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
      asked.push(resource.plural);
      await answers.hang;
      if (answers.fail !== undefined) throw answers.fail;
      if (resource.plural === 'tokenreviews') {
        const review = object as unknown as TokenReview;
        const authenticated = review.spec.token.startsWith('good');
        const user = { username: 'prometheus', uid: 'u1', groups: ['g'], extra: { scope: ['s'] } };
        return { ...object, status: authenticated ? { authenticated, user } : { authenticated } };
      }
      const { spec } = object as unknown as SubjectAccessReview;
      assert.deepEqual(spec, {
        user: 'prometheus',
        uid: 'u1',
        groups: ['g'],
        extra: { scope: ['s'] },
        nonResourceAttributes: { path: '/metrics', verb: 'get' },
      });
      return { ...object, status: { allowed: answers.allowed ?? true } };
    },
  });
  const access = new ScraperAccess({ client, clock, log: runtime.log });
  const status = async (header?: string) => (await access.refusal(header))?.status ?? 200;
  return { access, answers, asked, clock, lines, status };
}

describe('who may read the metrics', () => {
  for (const header of [
    undefined,
    '',
    'good',
    'Basic Z29vZA==',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a\u0000b',
  ]) {
    it(`is asked for a token when the header is ${JSON.stringify(header)}, and the API server is not troubled [140]`, async () => {
      const { status, asked } = harness();
      assert.equal(await status(header), 401);
      assert.deepEqual(asked, []);
    });
  }

  it('is who has a token that the API server knows, and the right to get /metrics [140]', async () => {
    assert.equal(await harness().status('Bearer good'), 200);
    assert.equal(await harness().status('Bearer bad'), 401);
    assert.equal(await harness({ allowed: false }).status('Bearer good'), 403);
  });

  it('is remembered for a minute, and who was refused for ten seconds, whoever sets the clock [140]', async () => {
    const { status, asked, answers, clock } = harness();
    assert.deepEqual([await status('Bearer good'), await status('bearer good')], [200, 200]);
    assert.equal(asked.length, 2);
    answers.allowed = false;
    clock.setBack(3_600_000);
    await clock.advance(59_000);
    assert.equal(await status('Bearer good'), 200);
    await clock.advance(2_000);
    assert.equal(await status('Bearer good'), 403);
    answers.allowed = true;
    assert.equal(await status('Bearer good'), 403);
    await clock.advance(11_000);
    assert.equal(await status('Bearer good'), 200);
  });

  it('is nobody while the API server cannot be asked, told once; the next one asks again [140]', async () => {
    const { status, answers, lines } = harness({
      fail: new KubeError(403, 'Forbidden', 'kmm cannot create tokenreviews'),
    });
    assert.deepEqual([await status('Bearer good'), await status('Bearer good')], [503, 503]);
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields['message']]),
      [['error', 'kmm cannot create tokenreviews']],
    );
    assert.ok(!JSON.stringify(lines).includes('good'));
    delete answers.fail;
    assert.equal(await status('Bearer good'), 200);
  });

  it('is asked about once at a time, and about a few tokens only [140]', async () => {
    const gate = Promise.withResolvers<void>();
    const { status, asked } = harness({ hang: gate.promise });
    const same = Array.from({ length: 50 }, () => status('Bearer good'));
    const others = Array.from({ length: 100 }, (_, index) => status(`Bearer bad${index}`));
    assert.equal(asked.length, 16);
    gate.resolve();
    assert.deepEqual(new Set(await Promise.all(same)), new Set([200]));
    const answers = await Promise.all(others);
    assert.equal(answers.filter((each) => each === 503).length, 85);
  });

  it('does not fill our memory with tokens', async () => {
    const { status, asked } = harness();
    await status('Bearer good');
    for (let index = 0; index < 64; index++) await status(`Bearer bad${index}`);
    const before = asked.length;
    await status('Bearer good');
    assert.equal(asked.length, before + 2, 'the oldest was forgotten');
  });
});
