import assert from 'node:assert/strict';
import fc from 'fast-check';
import { connectionFailure, refusal, retryAfterMs } from './answer.ts';
import { KubeError } from './errors.ts';
import { lines } from './lines.ts';
import { collectionPath, objectPath, withQuery } from './paths.ts';
import { namespaces, pods } from './resources.ts';

describe('a refusal', () => {
  const answer = (status: number, body: string) => refusal({ status, body, retryAfter: undefined, nowMs: 0 });

  it("carries the server's own message and reason", () => {
    const error = answer(409, '{"kind":"Status","reason":"AlreadyExists","message":"pods \\"a\\" already exists"}');
    assert.equal(error.status, 409);
    assert.equal(error.reason, 'AlreadyExists');
    assert.equal(error.message, 'pods "a" already exists');
  });

  for (const [body, message] of [
    ['404 page not found\n', '404 page not found'],
    ['', 'the server answered 404'],
    ['{"reason":5}', '{"reason":5}'],
    ['{ broken', '{ broken'],
  ] as const) {
    it(`is understood when its body is ${JSON.stringify(body)}`, () => {
      const error = answer(404, body);
      assert.equal(error.reason, 'NotFound');
      assert.equal(error.message, message);
    });
  }

  it('is short however long its body is', () => assert.equal(answer(500, 'x'.repeat(1e6)).message.length, 2048));

  it('says when to come back, in seconds or as a date', () => {
    assert.equal(retryAfterMs('7', 0), 7000);
    assert.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:09 GMT', 2000), 7000);
    assert.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:09 GMT', 20_000), 0);
    assert.equal(retryAfterMs('soon', 0), undefined);
    assert.equal(retryAfterMs(undefined, 0), undefined);
  });
});

describe('a connection that failed', () => {
  it('is told by its innermost cause', () => {
    const inner = new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('other')], 'all failed');
    const error = connectionFailure(new Error('outer', { cause: inner }), 'https://api');
    assert.equal(error.status, 0);
    assert.equal(error.message, 'https://api: connect ECONNREFUSED ::1:1');
  });

  it('is not told twice', () => {
    const error = new KubeError(404, 'NotFound', 'x');
    assert.equal(connectionFailure(error, 'https://api'), error);
  });
});

describe('the lines of a watch', () => {
  const collect = async (chunks: Uint8Array[], max = 1000) => {
    const seen: string[] = [];
    const stream = (async function* () {
      yield* chunks;
    })();
    for await (const line of lines(stream, max)) seen.push(line);
    return seen;
  };

  it('are the same wherever the bytes were cut', async () => {
    const text = fc.array(fc.string({ unit: 'binary' }).map((line) => line.replaceAll('\n', ' ')));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(200)), async (expected, cuts) => {
        const bytes = Buffer.from(expected.map((line) => `${line}\n`).join(''));
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        const decoded = Buffer.from(expected.join('\n')).toString().split('\n');
        assert.deepEqual(
          await collect(chunks),
          decoded.filter((line) => line !== ''),
        );
      }),
    );
  });

  it('leave out a last one that was cut off', async () => {
    assert.deepEqual(await collect([Buffer.from('{"a":1}\n{"b":')]), ['{"a":1}']);
  });

  it('are bounded', async () => {
    await assert.rejects(collect([Buffer.alloc(60, 'x'), Buffer.alloc(60, 'x')], 100), /longer than 100/);
  });
});

describe('a path', () => {
  it('names a kind in one namespace or in all, and an object', () => {
    assert.equal(collectionPath(pods), '/api/v1/pods');
    assert.equal(collectionPath(pods, 'n'), '/api/v1/namespaces/n/pods');
    assert.equal(collectionPath(namespaces, 'n'), '/api/v1/namespaces');
    assert.equal(objectPath(pods, { namespace: 'n', name: 'a' }, 'status'), '/api/v1/namespaces/n/pods/a/status');
  });

  it('lets no name break out of its place', () => {
    assert.equal(objectPath(pods, { namespace: 'n', name: '../x?y' }), '/api/v1/namespaces/n/pods/..%2Fx%3Fy');
  });

  it('of an object in a namespace cannot do without that', () => {
    assert.throws(() => objectPath(pods, { name: 'a' }), /Pod a needs a namespace/);
  });

  it('has only the parameters that are set', () => {
    assert.equal(withQuery('/p', { a: 'x y', b: undefined, c: '', d: 5, e: true }), '/p?a=x+y&d=5&e=true');
    assert.equal(withQuery('/p', { a: undefined }), '/p');
  });
});
