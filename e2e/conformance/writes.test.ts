import assert from 'node:assert/strict';
import { type Plane, startPlane } from './plane.ts';

describe('conformance: writes', () => {
  let plane: Plane;
  let root: string;
  let maps: string;

  before(async () => {
    plane = await startPlane();
    root = `/api/v1/namespaces/${await plane.newNamespace()}`;
    maps = `${root}/configmaps`;
  });
  after(() => plane.stop());

  const map = (name: string, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...more,
  });
  const pod = (name: string, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { nodeSelector: { none: 'such' }, containers: [{ name: 'c', image: 'registry.example/i:1', ...more }] },
  });

  it('a dry run answers as the write would, and writes nothing', async () => {
    const made = await plane.raw.call('POST', `${maps}?dryRun=All`, map('dry', { data: { a: '1' } }));
    assert.deepEqual([made.code, made.body['data']], [201, { a: '1' }]);
    assert.ok((made.body['metadata'] as { uid?: string }).uid);
    assert.equal((await plane.raw.call('GET', `${maps}/dry`)).code, 404);
    const { body } = await plane.raw.call('POST', maps, map('dry', { data: { a: '1' } }));
    const patched = await plane.raw.call('PATCH', `${maps}/dry?dryRun=All`, { data: { a: '2' } });
    assert.deepEqual([patched.code, patched.body['data']], [200, { a: '2' }]);
    const put = await plane.raw.call('PUT', `${maps}/dry?dryRun=All`, { ...body, data: { a: '3' } });
    assert.deepEqual([put.code, put.body['data']], [200, { a: '3' }]);
    assert.equal((await plane.raw.call('DELETE', `${maps}/dry?dryRun=All`)).code, 200);
    assert.deepEqual((await plane.raw.call('GET', `${maps}/dry`)).body, body);
    assert.equal((await plane.raw.call('POST', `${maps}?dryRun=Some`, map('x'))).code, 422);
  });

  for (const [what, object, field] of [
    ['the top', map('odd', { extra: 1 }), 'extra'],
    ['the metadata', { ...map('odd'), metadata: { name: 'odd', extra: 1 } }, 'metadata.extra'],
  ] as const)
    it(`an unknown field at ${what} is a warning, an error when strict, nothing when ignored`, async () => {
      const warned = await plane.raw.call('POST', `${maps}?dryRun=All`, object);
      assert.deepEqual([warned.code, warned.headers['warning']], [201, `299 - "unknown field \\"${field}\\""`]);
      assert.equal('extra' in warned.body, false);
      const strict = await plane.raw.call('POST', `${maps}?dryRun=All&fieldValidation=Strict`, object);
      assert.deepEqual([strict.code, strict.body['reason']], [400, 'BadRequest']);
      assert.ok(String(strict.body['message']).includes(`strict decoding error: unknown field "${field}"`));
      const ignored = await plane.raw.call('POST', `${maps}?dryRun=All&fieldValidation=Ignore`, object);
      assert.deepEqual([ignored.code, ignored.headers['warning']], [201, undefined]);
    });

  it('an unknown field inside a pod is told by its path and dropped', async () => {
    const odd = pod('odd', { imagePullPolice: 'Never' });
    const field = 'spec.containers[0].imagePullPolice';
    const { code, body, headers } = await plane.raw.call('POST', `${root}/pods?dryRun=All`, odd);
    assert.deepEqual([code, headers['warning']], [201, `299 - "unknown field \\"${field}\\""`]);
    const { containers } = body['spec'] as { containers: object[] };
    assert.equal('imagePullPolice' in containers[0]!, false);
    const strict = await plane.raw.call('POST', `${root}/pods?dryRun=All&fieldValidation=Strict`, odd);
    assert.ok(String(strict.body['message']).includes(`unknown field "${field}"`));
    assert.equal((await plane.raw.call('POST', `${root}/pods?fieldValidation=Odd`, odd)).code, 422);
  });

  it('a field of the wrong type is 400', async () => {
    const { code, body } = await plane.raw.call('POST', `${root}/pods?dryRun=All`, pod('wrong', { command: 'x' }));
    assert.deepEqual([code, body['reason']], [400, 'BadRequest']);
    assert.match(String(body['message']), /cannot unmarshal string into Go struct field .*command/);
  });

  it('what the server keeps itself is not taken from a client', async () => {
    const metadata = {
      name: 'own',
      uid: '00000000-0000-0000-0000-000000000000',
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z',
    };
    const { body } = await plane.raw.call('POST', maps, { ...map('own'), metadata });
    const made = body['metadata'] as Record<string, unknown>;
    assert.notEqual(made['uid'], metadata.uid);
    assert.notEqual(made['creationTimestamp'], metadata.creationTimestamp);
    assert.equal(made['deletionTimestamp'], undefined);
    const refused = await plane.raw.call('POST', maps, {
      ...map('own-2'),
      metadata: { name: 'own-2', resourceVersion: '1' },
    });
    assert.equal(refused.code, 500);
    assert.match(String(refused.body['message']), /resourceVersion should not be set on objects to be created/);
  });

  it('a PUT of what is not there is not found, for a kind whose PUT does not create', async () => {
    assert.equal((await plane.raw.call('PUT', `${maps}/none`, map('none'))).code, 404);
  });

  it('preconditions of a delete compare uid and resourceVersion', async () => {
    const { body } = await plane.raw.call('POST', maps, map('guarded'));
    const { uid, resourceVersion } = body['metadata'] as Record<string, string>;
    const remove = async (preconditions: object) => {
      const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
      return (await plane.raw.call('DELETE', `${maps}/guarded`, options)).code;
    };
    assert.equal(await remove({ uid: 'other' }), 409);
    assert.equal(await remove({ uid, resourceVersion: '1' }), 409);
    assert.equal(await remove({ uid, resourceVersion }), 200);
  });

  it('a delete of what is going already changes nothing', async () => {
    await plane.raw.call('POST', maps, { ...map('going'), metadata: { name: 'going', finalizers: ['example.com/x'] } });
    const first = await plane.raw.call('DELETE', `${maps}/going`);
    const second = await plane.raw.call('DELETE', `${maps}/going`);
    assert.deepEqual([first.code, first.body['kind'], second.code], [200, 'ConfigMap', 200]);
    assert.deepEqual(second.body['metadata'], first.body['metadata']);
    await plane.raw.call('PATCH', `${maps}/going`, { metadata: { finalizers: null } });
    assert.equal((await plane.raw.call('GET', `${maps}/going`)).code, 404);
  });

  it('refuses a propagation policy that is none', async () => {
    await plane.raw.call('POST', maps, map('policy'));
    const { code } = await plane.raw.call('DELETE', `${maps}/policy?propagationPolicy=Sideways`);
    assert.equal(code, 422);
  });

  it('immutable ConfigMaps and Secrets keep their data', async () => {
    await plane.raw.call('POST', maps, map('fixed', { data: { a: '1' }, immutable: true }));
    const { code, body } = await plane.raw.call('PATCH', `${maps}/fixed`, { data: { a: '2' } });
    assert.equal(code, 422);
    assert.match(String(body['message']), /data: Forbidden: field is immutable when `immutable` is set/);
  });

  it('a Secret’s type is fixed, and its data is base64', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      type: 'example.com/a',
      data: { a: 'YQ==' },
    };
    await plane.raw.call('POST', `${root}/secrets`, secret);
    const retyped = await plane.raw.call('PATCH', `${root}/secrets/s`, { type: 'example.com/b' });
    assert.equal(retyped.code, 422);
    assert.match(String(retyped.body['message']), /type: Invalid value: "example\.com\/b": field is immutable/);
    const broken = { ...secret, metadata: { name: 't' }, data: { a: 'not base64!' } };
    assert.equal((await plane.raw.call('POST', `${root}/secrets`, broken)).code, 400);
    const wrongKey = { ...secret, metadata: { name: 't' }, data: { 'a b': 'YQ==' } };
    assert.equal((await plane.raw.call('POST', `${root}/secrets`, wrongKey)).code, 422);
  });
});
