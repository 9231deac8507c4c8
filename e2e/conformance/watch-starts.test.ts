import assert from 'node:assert/strict';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

describe('conformance: where a watch starts', () => {
  let plane: Plane;
  let secrets: string;

  before(async () => {
    plane = await startPlane();
  });
  after(() => plane.stop());
  beforeEach(async () => {
    secrets = `/api/v1/namespaces/${await plane.newNamespace()}/secrets`;
  });

  const create = async (name: string, labels: Record<string, string> = {}) => {
    const { body } = await plane.raw.call('POST', secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, labels },
    });
    return body['metadata'] as { resourceVersion: string };
  };
  const revision = async () => {
    const { body } = await plane.raw.call('GET', secrets);
    return (body['metadata'] as { resourceVersion: string }).resourceVersion;
  };
  /** A kind that nothing was ever written of: the server remembers it from now on only. */
  async function newKind(): Promise<{ group: string; path: string }> {
    const group = 'late.example.com';
    const names = { kind: 'Late', plural: 'lates', singular: 'late', listKind: 'LateList' };
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    await plane.raw.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `lates.${group}` },
      spec: { group, scope: 'Cluster', names, versions: [{ name: 'v1', served: true, storage: true, schema }] },
    });
    const path = `/apis/${group}/v1/lates`;
    await eventually('the kind is served', async () => (await plane.raw.call('GET', path)).code === 200);
    return { group, path };
  }
  /** What a watch of a second tells, as `TYPE name`. */
  const watched = async (query: string) => {
    const events = await plane.raw.watch(`${secrets}?watch=1&timeoutSeconds=1&${query}`);
    return events.map(
      ({ type, object }) => `${type} ${(object['metadata'] as { name?: string }).name ?? object['code']}`,
    );
  };

  it('without a resourceVersion, and with 0: with what is there', async () => {
    for (const name of ['b', 'a']) await create(name);
    const all = await Promise.all(['', 'resourceVersion=0'].map(watched));
    for (const told of all) assert.deepEqual(told.sort(), ['ADDED a', 'ADDED b']);
  });

  it('with the resourceVersion of one object: after its write', async () => {
    const { resourceVersion } = await create('a');
    await create('b');
    await plane.raw.call('DELETE', `${secrets}/a`);
    assert.deepEqual(await watched(`resourceVersion=${resourceVersion}`), ['ADDED b', 'DELETED a']);
  });

  it('with selectors: what never matched is never told', async () => {
    const start = await revision();
    await create('a', { on: 'yes' });
    await create('b', { on: 'no' });
    await plane.raw.call('PATCH', `${secrets}/a`, { metadata: { labels: { on: 'no' } } });
    await plane.raw.call('DELETE', `${secrets}/b`);
    const selectors = ['labelSelector=on%3Dyes', 'fieldSelector=metadata.name%3Db'];
    const [byLabel, byName] = await Promise.all(
      selectors.map((selector) => watched(`resourceVersion=${start}&${selector}`)),
    );
    assert.deepEqual(byLabel, ['ADDED a', 'DELETED a']);
    assert.deepEqual(byName, ['ADDED b', 'DELETED b']);
  });

  it('many writes at once are told one by one in the order of their resourceVersions', async () => {
    const start = await revision();
    const names = Array.from({ length: 30 }, (_, index) => `s${index}`);
    await Promise.all(names.map((name) => create(name)));
    await Promise.all(names.map((name) => plane.raw.call('PATCH', `${secrets}/${name}`, { data: { a: 'YQ==' } })));
    const events = await plane.raw.watch(`${secrets}?watch=1&timeoutSeconds=1&resourceVersion=${start}`);
    const revisions = events.map(({ object }) =>
      Number((object['metadata'] as { resourceVersion: string }).resourceVersion),
    );
    assert.equal(events.length, 60);
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((a, b) => a - b),
    );
    const firsts = new Map(events.map(({ type, object }) => [(object['metadata'] as { name: string }).name, type]));
    assert.equal(firsts.size, 30);
  });

  it('before what is remembered: 410 as an ERROR event, after which a list helps', async () => {
    const { group, path } = await newKind();
    const object = (name: string) => ({ apiVersion: `${group}/v1`, kind: 'Late', metadata: { name } });
    await plane.raw.call('POST', path, object('a'));
    await plane.compact();
    const [error, ...more] = await plane.raw.watch(`${path}?watch=1&timeoutSeconds=5&resourceVersion=1`);
    assert.equal(error?.type, 'ERROR');
    const { code, reason, kind, message } = error.object;
    assert.deepEqual([code, reason, kind, more.length], [410, 'Expired', 'Status', 0]);
    assert.match(String(message), /^too old resource version: 1 \(\d+\)$/);
    const { body } = await plane.raw.call('GET', path);
    const { resourceVersion } = body['metadata'] as { resourceVersion: string };
    await plane.raw.call('POST', path, object('b'));
    const [added] = await plane.raw.watch(`${path}?watch=1&timeoutSeconds=1&resourceVersion=${resourceVersion}`);
    assert.deepEqual([added!.type, (added!.object['metadata'] as { name: string }).name], ['ADDED', 'b']);
  });

  it('refuses selectors that are not valid', async () => {
    for (const query of ['labelSelector=a%3Db%3Dc', 'fieldSelector=data.x%3D1'])
      assert.equal((await plane.raw.call('GET', `${secrets}?watch=1&timeoutSeconds=1&${query}`)).code, 400, query);
  });
});
