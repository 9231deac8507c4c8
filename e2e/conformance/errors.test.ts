import assert from 'node:assert/strict';
import { type Plane, startPlane } from './plane.ts';

describe('conformance: what a refusal says', () => {
  let plane: Plane;
  let namespace: string;
  let maps: string;

  before(async () => {
    plane = await startPlane();
    namespace = await plane.newNamespace();
    maps = `/api/v1/namespaces/${namespace}/configmaps`;
  });
  after(() => plane.stop());

  const map = (name: string, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...more,
  });
  const failure = (code: number, reason: string, message: string, details?: object) => ({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details && { details }),
    code,
  });

  it('not found: the object, with its resource and group', async () => {
    const missing = await plane.raw.call('GET', `${maps}/none`);
    const details = { name: 'none', kind: 'configmaps' };
    assert.deepEqual(missing.body, failure(404, 'NotFound', 'configmaps "none" not found', details));
    const { body } = await plane.raw.call('GET', `/apis/apps/v1/namespaces/${namespace}/daemonsets/none`);
    const grouped = { name: 'none', group: 'apps', kind: 'daemonsets' };
    assert.deepEqual(body, failure(404, 'NotFound', 'daemonsets.apps "none" not found', grouped));
  });

  it('exists already', async () => {
    await plane.raw.call('POST', maps, map('twice'));
    const { body } = await plane.raw.call('POST', maps, map('twice'));
    const details = { name: 'twice', kind: 'configmaps' };
    assert.deepEqual(body, failure(409, 'AlreadyExists', 'configmaps "twice" already exists', details));
  });

  it('changed meanwhile', async () => {
    const { body: made } = await plane.raw.call('POST', maps, map('race'));
    await plane.raw.call('PATCH', `${maps}/race`, { data: { a: 'b' } });
    const { body } = await plane.raw.call('PUT', `${maps}/race`, { ...made, data: { a: 'c' } });
    const message =
      'Operation cannot be fulfilled on configmaps "race": the object has been modified; ' +
      'please apply your changes to the latest version and try again';
    assert.deepEqual(body, failure(409, 'Conflict', message, { name: 'race', kind: 'configmaps' }));
  });

  it('not valid: each cause with its field', async () => {
    const labels = { 'a b': 'x', c: 'y z' };
    const { body } = await plane.raw.call('POST', maps, { ...map('Bad'), metadata: { name: 'Bad', labels } });
    const { code, reason, details } = body as unknown as Failure;
    assert.deepEqual([code, reason, details.name, details.kind], [422, 'Invalid', 'Bad', 'ConfigMap']);
    assert.deepEqual(
      details.causes?.map((cause) => [cause.reason, cause.field]),
      [
        ['FieldValueInvalid', 'metadata.name'],
        ['FieldValueInvalid', 'metadata.labels'],
        ['FieldValueInvalid', 'metadata.labels'],
      ],
    );
    assert.match(String(body['message']), /^ConfigMap "Bad" is invalid: \[metadata\.name: .*, metadata\.labels: /);
  });

  it('not valid: the group stands beside the kind', async () => {
    const set = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'd' }, spec: {} };
    const { body } = await plane.raw.call('POST', `/apis/apps/v1/namespaces/${namespace}/daemonsets`, set);
    const { code, details } = body as unknown as Failure;
    assert.deepEqual([code, details.group, details.kind], [422, 'apps', 'DaemonSet']);
    assert.match(String(body['message']), /^DaemonSet\.apps "d" is invalid: /);
    const fields = details.causes?.map(({ field }) => field) ?? [];
    assert.ok(fields.includes('spec.template.metadata.labels'), fields.join());
    assert.ok(fields.includes('spec.template.spec.containers'), fields.join());
  });

  it('no name: the field is required', async () => {
    const { body } = await plane.raw.call('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} });
    const { code, details, message } = body as unknown as Failure;
    assert.equal(code, 422);
    assert.match(
      message,
      /^ConfigMap "" is invalid: metadata\.name: Required value: name or generateName is required$/,
    );
    assert.deepEqual(
      details.causes?.map(({ reason, field }) => [reason, field]),
      [['FieldValueRequired', 'metadata.name']],
    );
  });

  it('a namespace that is not there, and one that goes away', async () => {
    const lost = await plane.raw.call('POST', '/api/v1/namespaces/not-there/configmaps', map('x'));
    const details = { name: 'not-there', kind: 'namespaces' };
    assert.deepEqual(lost.body, failure(404, 'NotFound', 'namespaces "not-there" not found', details));
    const doomed = await plane.newNamespace();
    const held = { ...map('held'), metadata: { name: 'held', finalizers: ['example.com/hold'] } };
    await plane.raw.call('POST', `/api/v1/namespaces/${doomed}/configmaps`, held);
    await plane.raw.call('DELETE', `/api/v1/namespaces/${doomed}`);
    const { body } = await plane.raw.call('POST', `/api/v1/namespaces/${doomed}/configmaps`, map('late'));
    const refused = body as unknown as Failure;
    assert.deepEqual([refused.code, refused.reason], [403, 'Forbidden']);
    assert.deepEqual(refused.details.causes, [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${doomed} is being terminated`,
        field: 'metadata.namespace',
      },
    ]);
    await plane.raw.call('PATCH', `/api/v1/namespaces/${doomed}/configmaps/held`, { metadata: { finalizers: null } });
  });

  for (const [what, path, body, code] of [
    ['a body that is not JSON', 'configmaps', '{', 400],
    ['a body of another kind', 'configmaps', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }, 400],
    ['a body of another version', 'configmaps', { ...map('x'), apiVersion: 'v2' }, 400],
    ['a body for another namespace', 'configmaps', { ...map('x'), metadata: { name: 'x', namespace: 'other' } }, 400],
    ['labels that are no texts', 'configmaps', { ...map('x'), metadata: { name: 'x', labels: { a: 1 } } }, 400],
    ['data that is no text', 'configmaps', map('x', { data: { a: 1 } }), 400],
    ['a resource that is not there', 'nothings', map('x'), 404],
  ] as const)
    it(`${what}: ${code}`, async () => {
      const answer = await plane.raw.call('POST', `/api/v1/namespaces/${namespace}/${path}`, body);
      assert.equal(answer.code, code, JSON.stringify(answer.body));
    });

  it('the name in the body must be that of the path', async () => {
    await plane.raw.call('POST', maps, map('named'));
    const { code, body } = await plane.raw.call('PUT', `${maps}/named`, map('other'));
    assert.deepEqual([code, body['reason']], [400, 'BadRequest']);
    assert.match(
      String(body['message']),
      /the name of the object \(other\) does not match the name on the URL \(named\)/,
    );
  });

  it('a method that the resource does not have: 405', async () => {
    const { code, body } = await plane.raw.call('POST', '/api/v1/configmaps', map('x'));
    assert.deepEqual([code, body['reason']], [405, 'MethodNotAllowed']);
  });

  it('a media type that nobody reads: 415, for bodies and for patches', async () => {
    const type = { 'content-type': 'text/plain' };
    const body = await plane.raw.call('POST', maps, JSON.stringify(map('x')), type);
    assert.deepEqual([body.code, body.body['reason']], [415, 'UnsupportedMediaType']);
    await plane.raw.call('POST', maps, map('patched'));
    const patch = await plane.raw.call('PATCH', `${maps}/patched`, '{}', { 'content-type': 'application/json' });
    assert.deepEqual([patch.code, patch.body['reason']], [415, 'UnsupportedMediaType']);
  });

  it('a body in YAML is read', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {a: b}\n';
    const { code, body } = await plane.raw.call('POST', maps, yaml, { 'content-type': 'application/yaml' });
    assert.deepEqual([code, body['data']], [201, { a: 'b' }]);
  });

  it('a delete tells what went: a Status for most kinds', async () => {
    const { body: made } = await plane.raw.call('POST', maps, map('gone'));
    const { code, body } = await plane.raw.call('DELETE', `${maps}/gone`);
    const { uid } = made['metadata'] as { uid: string };
    assert.equal(code, 200);
    assert.deepEqual(body, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'gone', kind: 'configmaps', uid },
    });
  });
});

interface Failure {
  code: number;
  reason: string;
  message: string;
  details: {
    name: string;
    kind: string;
    group?: string;
    causes?: { reason: string; message: string; field: string }[];
  };
}
