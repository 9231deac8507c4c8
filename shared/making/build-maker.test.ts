import assert from 'node:assert/strict';
import { buildRecipe, openShiftRequest } from '../build/testing/requests.ts';
import type { ConfigMap, KubeObject, Pod } from '../kube/object.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { BuildMaker } from './build-maker.ts';

const namespace = 'kmm';
const known = { kind: 'known', image: 'registry.example/toolkit:1' } as const;
const unknown = { kind: 'unknown', message: 'no toolkit is known' } as const;

/** The ConfigMap as the server has it, and which pods of Builds there are. */
function world(text: string | undefined, pods: Pod[] = []) {
  const metadata = { name: 'dockerfile', namespace, uid: 'u', resourceVersion: '1' };
  const stored: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    ...(text && { data: { dockerfile: text } }),
  };
  const asked: string[] = [];
  const client = fakeClient({
    get: (async () => {
      asked.push('get');
      return stored;
    }) as never,
    list: (async (_: unknown, { labelSelector }: { labelSelector: string }) => {
      asked.push(labelSelector);
      return { metadata: { resourceVersion: '1' }, items: pods };
    }) as never,
  });
  const maker = new BuildMaker({ client, namespace, deadlineSeconds: 60 });
  const seen: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata } };
  const { dockerfile: _, deadlineSeconds: __, ...request } = openShiftRequest();
  return { maker, seen, request, asked };
}

describe('who makes Builds', () => {
  it('reads the Dockerfile only when a Build is created [63]', async () => {
    const { maker, seen, request, asked } = world('FROM gcc:14\n');
    assert.equal(maker.problem(seen, request.recipe, known), undefined);
    assert.deepEqual(asked, []);
    const made = await maker.build(request, seen);
    assert.ok(made.kind === 'object');
    assert.equal(made.object.spec.source.dockerfile, 'FROM gcc:14\n');
    assert.deepEqual(asked, ['get', `openshift.io/build.name=${made.object.metadata.name}`]);
  });

  it('looks again when the Dockerfile is no longer the one that was decided about [75]', async () => {
    const { maker, seen, request } = world('FROM gcc:14\n');
    for (const other of [{ resourceVersion: '0' }, { uid: 'former' }]) {
      const before = { ...seen, metadata: { ...seen.metadata, ...other } };
      assert.deepEqual(await maker.build(request, before), { kind: 'not yet', why: 'DockerfileChanged' });
    }
  });

  it('waits until the pod of a former Build of the name is gone', async () => {
    const { maker, seen, request } = world('FROM gcc:14\n', [{} as Pod]);
    assert.deepEqual(await maker.build(request, seen), { kind: 'not yet', why: 'FormerBuildEnds' });
  });

  it('says what is missing in a ConfigMap, and remembers it for that version [80]', async () => {
    const { maker, seen, request, asked } = world(undefined);
    const message = 'ConfigMap dockerfile: expected a Dockerfile under its key dockerfile';
    assert.deepEqual(await maker.build(request, seen), { kind: 'refused', reason: 'DockerfileMissing', message });
    const expected = { kind: 'problem', reason: 'DockerfileMissing', message };
    assert.deepEqual(maker.problem(seen, request.recipe, known), expected);
    assert.equal(maker.problem({ ...seen }, request.recipe, known), undefined);
    assert.deepEqual(asked, ['get']);
  });

  it('says that no toolkit is known, until one is or the user names it [67]', async () => {
    const { maker, seen, request } = world('ARG DTK_AUTO\nFROM $DTK_AUTO\n');
    const message = unknown.message;
    const refused = await maker.build({ ...request, toolkit: unknown }, seen);
    assert.deepEqual(refused, { kind: 'refused', reason: 'ToolkitUnknown', message });
    const expected = { kind: 'problem', reason: 'ToolkitUnknown', message };
    assert.deepEqual(maker.problem(seen, request.recipe, unknown), expected);
    assert.equal(maker.problem(seen, request.recipe, known), undefined);
    const args = [{ name: 'DTK_AUTO', value: 'mine' }];
    const named = buildRecipe({ build: { ...buildRecipe().build!, args } });
    assert.equal(maker.problem(seen, named, unknown), undefined);
  });
});
