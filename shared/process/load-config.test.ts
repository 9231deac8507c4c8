import assert from 'node:assert/strict';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { programConfigSchema, programEnvironmentSchema, SettingsError } from './config.ts';
import { loadSettings } from './load-config.ts';

const rules = { configSchema: programConfigSchema, environmentSchema: programEnvironmentSchema };
const environment = { OPERATOR_NAMESPACE: 'kmm' };

function load(get: () => Promise<object | undefined>) {
  let closed = 0;
  const client = fakeClient({ get: get as KubeClient['get'], close: async () => void closed++ });
  const loaded = loadSettings(rules, { source: { configMap: 'c' }, environment, connect: () => client });
  return { loaded, closed: () => closed };
}

describe('the settings of a program from a ConfigMap', () => {
  it('are all defaults, told as a notice, when there is none of that name [195]', async () => {
    const { loaded, closed } = load(async () => undefined);
    const { config, problems, notice } = await loaded;
    assert.deepEqual([config, problems], [programConfigSchema.parse({}), []]);
    assert.match(notice ?? '', /no such ConfigMap: all defaults hold .*a file needs a slash/);
    assert.equal(closed(), 1);
  });

  for (const data of [undefined, {}, { 'config.yaml': 'logLevel: debug' }])
    it(`are all defaults, told as a problem, when its data is ${JSON.stringify(data)} [195]`, async () => {
      const { config, problems } = await load(async () => ({ data })).loaded;
      assert.deepEqual(config, programConfigSchema.parse({}));
      assert.deepEqual(problems, ['controller_config.yaml: the ConfigMap has no such key; all defaults hold']);
    });

  const refusals: [Error, RegExp][] = [
    [new KubeError(403, 'Forbidden', 'no'), /^no right to get ConfigMap kmm\/c of --config: no$/],
    [new KubeError(0, 'ConnectionFailed', 'ECONNREFUSED'), /^cannot reach the API server: ECONNREFUSED$/],
    [new KubeError(401, 'Unauthorized', 'who'), /^the API server refuses our credentials: who$/],
    [
      new KubeError(500, 'InternalError', 'oh'),
      /^cannot get ConfigMap kmm\/c of --config: the API server answers 500: oh$/,
    ],
  ];
  for (const [error, line] of refusals)
    it(`end the program in one line after ${error.message} [195]`, async () => {
      const { loaded, closed } = load(() => Promise.reject(error));
      await assert.rejects(loaded, (thrown) => {
        assert.ok(thrown instanceof SettingsError);
        assert.equal(thrown.problems.length, 1);
        assert.match(thrown.problems[0] ?? '', line);
        return true;
      });
      assert.equal(closed(), 1);
    });
});
