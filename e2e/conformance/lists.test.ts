import assert from 'node:assert/strict';
import type { RawAnswer } from '../world/api-server/raw-client.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

interface ListBody {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: { metadata: { name: string; resourceVersion: string } }[];
}

describe('conformance: what a list shows', () => {
  let plane: Plane;
  let secrets: string;

  before(async () => {
    plane = await startPlane();
    secrets = `/api/v1/namespaces/${await plane.newNamespace()}/secrets`;
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name, { shade: name < 'c' ? 'dark' : 'light' });
  });
  after(() => plane.stop());

  async function create(name: string, labels: Record<string, string>): Promise<void> {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels } };
    assert.equal((await plane.raw.call('POST', secrets, secret)).code, 201);
  }
  const call = (query: string) => plane.raw.call('GET', `${secrets}?${query}`);
  const list = async (query: string) => bodyOf(await call(query));
  const names = async (query: string) => (await list(query)).items.map(({ metadata }) => metadata.name).join('');

  function bodyOf(answer: RawAnswer): ListBody {
    assert.equal(answer.code, 200, JSON.stringify(answer.body));
    return answer.body as unknown as ListBody;
  }

  it('is ordered by name, and is a SecretList even when it is empty', async () => {
    assert.equal(await names(''), 'abcde');
    const { body } = await call('labelSelector=none');
    assert.deepEqual([body['kind'], body['apiVersion'], body['items']], ['SecretList', 'v1', []]);
  });

  it('pages count what is left, but not behind a selector', async () => {
    const first = await list('limit=2');
    assert.equal(first.metadata.remainingItemCount, 3);
    const second = await list(`limit=2&continue=${first.metadata.continue}`);
    assert.deepEqual([second.metadata.remainingItemCount, second.items.length], [1, 2]);
    const last = await list(`limit=2&continue=${second.metadata.continue}`);
    assert.deepEqual([last.metadata.remainingItemCount, last.metadata.continue ?? ''], [undefined, '']);
    const selected = await list('limit=1&labelSelector=shade%3Dlight');
    assert.deepEqual([selected.metadata.remainingItemCount, selected.items.length], [undefined, 1]);
    assert.ok(selected.metadata.continue);
  });

  it('refuses a continue token that it did not make, and one with a resourceVersion', async () => {
    const broken = await call('continue=broken');
    assert.deepEqual([broken.code, broken.body['reason']], [400, 'BadRequest']);
    const { metadata } = await list('limit=2');
    const both = await call(`limit=2&resourceVersion=1&continue=${metadata.continue}`);
    assert.equal(both.code, 400);
    assert.match(String(both.body['message']), /resource version/i);
  });

  it('resourceVersion 0 and "not older than" give what is there, exactly gives what was there', async () => {
    const before = await list('');
    const revision = before.metadata.resourceVersion;
    await create('f', {});
    // Out of the server's cache, which may be a moment behind.
    await eventually('the new one is in the list', async () => (await names('resourceVersion=0')) === 'abcdef');
    const newest = (await list('')).metadata.resourceVersion;
    assert.equal(await names(`resourceVersion=${newest}`), 'abcdef');
    assert.equal(await names(`resourceVersion=${revision}&resourceVersionMatch=NotOlderThan`), 'abcdef');
    const exact = await list(`resourceVersion=${revision}&resourceVersionMatch=Exact`);
    assert.equal(exact.metadata.resourceVersion, revision);
    assert.equal(exact.items.length, 5);
    assert.equal((await list(`limit=2&resourceVersion=${revision}`)).metadata.resourceVersion, revision);
    await plane.raw.call('DELETE', `${secrets}/f`);
  });

  it('gives what exactly was there in pages, too, of what a selector selects, whatever changes meanwhile', async () => {
    const { resourceVersion } = (await list('limit=1')).metadata;
    await create('h', { shade: 'light' });
    const selected = `limit=2&labelSelector=${encodeURIComponent('shade in (light)')}`;
    const first = await list(`${selected}&resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`);
    const rest = await list(`${selected}&continue=${first.metadata.continue}`);
    assert.deepEqual(
      [first, rest].map(({ items, metadata }) => [
        metadata.resourceVersion,
        ...items.map((item) => item.metadata.name),
      ]),
      [
        [resourceVersion, 'c', 'd'],
        [resourceVersion, 'e'],
      ],
    );
    await plane.raw.call('DELETE', `${secrets}/h`);
  });

  for (const [what, query] of [
    ['a match without a resourceVersion', 'resourceVersionMatch=Exact'],
    ['an exact match of 0', 'resourceVersion=0&resourceVersionMatch=Exact'],
    ['an unknown match', 'resourceVersion=1&resourceVersionMatch=Nearly'],
  ] as const)
    it(`refuses ${what}`, async () => {
      const { code, body } = await call(query);
      assert.deepEqual([code, body['reason']], [422, 'Invalid']);
      const { causes = [] } = body['details'] as { causes?: { field: string }[] };
      assert.equal(causes[0]?.field, 'resourceVersionMatch');
    });

  it('refuses a resourceVersion that is no number, and waits in vain for one from the future', async () => {
    assert.equal((await call('resourceVersion=abc')).code, 400);
    const future = await call('resourceVersion=999999999');
    assert.deepEqual([future.code, future.body['reason']], [504, 'Timeout']);
    const { causes = [] } = future.body['details'] as { causes?: { reason: string }[] };
    assert.equal(causes[0]?.reason, 'ResourceVersionTooLarge');
  });

  it('a page from before a compaction is 410 and offers to go on without consistency; so is an exact list', async () => {
    const before = (await list('limit=2')).metadata;
    await create('g', {});
    await plane.compact();
    const refused = (what: string, query: string) =>
      eventually(`${what} is refused`, async () => {
        const answer = await call(query);
        return answer.code === 200 ? undefined : answer;
      });
    const page = await refused('the page', `limit=2&continue=${before.continue}`);
    assert.deepEqual([page.code, page.body['reason']], [410, 'Expired']);
    assert.match(String(page.body['message']), /^The provided continue parameter is too old to display/);
    const exact = await refused('the list', `resourceVersion=${before.resourceVersion}&resourceVersionMatch=Exact`);
    assert.deepEqual([exact.code, exact.body['reason']], [410, 'Expired']);
    await plane.raw.call('DELETE', `${secrets}/g`);
    const offered = (page.body['metadata'] as { continue: string }).continue;
    const rest = await list(`limit=10&continue=${offered}`);
    assert.deepEqual(
      rest.items.map((item) => item.metadata.name),
      ['c', 'd', 'e'],
    );
  });

  it('label selectors know equality, sets and presence, and are refused when they are not valid', async () => {
    assert.equal(await names(`labelSelector=${encodeURIComponent('shade in (dark,grey)')}`), 'ab');
    assert.equal(await names(`labelSelector=${encodeURIComponent('shade notin (dark)')}`), 'cde');
    assert.equal(await names(`labelSelector=${encodeURIComponent('shade!=light,shade')}`), 'ab');
    assert.equal(await names(`labelSelector=${encodeURIComponent('!shade')}`), '');
    for (const selector of ['a=b=c', 'shade in dark', ',', 'x y']) {
      const { code, body } = await call(`labelSelector=${encodeURIComponent(selector)}`);
      assert.deepEqual([selector, code, body['reason']], [selector, 400, 'BadRequest']);
    }
  });

  it('field selectors know names and the kind’s own fields', async () => {
    assert.equal(await names('fieldSelector=metadata.name%3Db'), 'b');
    assert.equal(await names(`fieldSelector=${encodeURIComponent('metadata.name!=b,type=Opaque')}`), 'acde');
    const { code, body } = await call('fieldSelector=data.x%3D1');
    assert.deepEqual([code, body['reason']], [400, 'BadRequest']);
    assert.match(String(body['message']), /field label not supported: data\.x/);
  });

  it('a get takes resourceVersion 0, and waits in vain for one from the future', async () => {
    assert.equal((await plane.raw.call('GET', `${secrets}/a?resourceVersion=0`)).code, 200);
    assert.equal((await plane.raw.call('GET', `${secrets}/a?resourceVersion=999999999`)).code, 504);
  });

  it('a collection is deleted by selector, and told as the list of what went', async () => {
    await create('x', { doomed: 'yes' });
    await create('y', { doomed: 'yes' });
    const { code, body } = await plane.raw.call('DELETE', `${secrets}?labelSelector=doomed%3Dyes`);
    assert.deepEqual([code, body['kind']], [200, 'SecretList']);
    assert.deepEqual(
      (body as unknown as ListBody).items.map(({ metadata }) => metadata.name),
      ['x', 'y'],
    );
    assert.equal(await names(''), 'abcde');
  });
});
