import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hubConfigSchema, unusedHubKeys } from '../../hub/config.ts';
import { configMaps, leases } from '../../shared/kube/resources.ts';
import { strictUnlessAllowed } from '../../shared/process/builds-config.ts';
import type { SettingsRules } from '../../shared/process/load-config.ts';
import { seriesValue } from '../../shared/testing/exposition.ts';
import { eventually } from '../world/eventually.ts';
import { configMap, type Plane, startPlane } from './plane.ts';
import { getPage, type Run, startRun } from './run.ts';
import { smallProgram } from './small-program/main.ts';

const pages = 'healthProbeBindAddress: 127.0.0.1:0\nmetrics: { bindAddress: "127.0.0.1:0" }\n';
const problemText = 'the configuration has a problem';

describe('a program with a ConfigMap', () => {
  let plane: Plane;
  let folder: string;
  let runs: Run[];
  /** Who may what; a test sets it. */
  let refused: (asked: { user: string; verb: string; resource: string; url?: string }) => boolean;

  before(async () => {
    plane = await startPlane({ authorize: (asked) => !refused(asked) });
  });
  after(() => plane.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'configuration-'));
    runs = [];
    refused = () => false;
  });
  afterEach(async () => {
    for (const run of runs) run.terminate();
    await Promise.all(runs.map(({ code }) => code));
    await plane.client.delete(configMaps, { namespace: 'default', name: 'manager-config' });
    rmSync(folder, { recursive: true });
  });

  const write = (text: string) =>
    plane.client.create(configMaps, configMap('manager-config', { 'controller_config.yaml': text }));

  /** The small program with the hub's configuration, as its Deployment starts it. */
  function start(argument = '--config=manager-config'): Run & { config(): Promise<typeof hubConfigSchema._output> } {
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, plane.server.kubeconfig('kmm'));
    const base = smallProgram();
    const seen = Promise.withResolvers<typeof hubConfigSchema._output>();
    const failClosed: SettingsRules<typeof hubConfigSchema._output, unknown>['failClosed'] = strictUnlessAllowed;
    const run = startRun(
      {
        ...base,
        configSchema: hubConfigSchema,
        unusedKeys: unusedHubKeys,
        failClosed,
        start: (context) => {
          seen.resolve(context.config);
          return base.start(context);
        },
      },
      { arguments: argument.split(' '), environment: { OPERATOR_NAMESPACE: 'default', KUBECONFIG: kubeconfig } },
    );
    runs.push(run);
    return { ...run, config: () => seen.promise };
  }
  const problemsOf = ({ lines }: Run) => lines.filter(({ msg }) => msg === problemText);
  const metricsOf = (run: Run, token = plane.server.token('prometheus')) =>
    run.page('serving metrics', '/metrics', token);

  it('takes what it says for what it is, and tells what has no effect in this version [195] [196]', async () => {
    const upstream = 'job: { gcDelay: 1h }\nwebhook: { port: 9443 }\nworker: { runAsUser: 0 }\n';
    await write(`${pages}${upstream}leaderElection: { resourceID: mine }\nstrictSecrets: false\n`);
    const run = start();
    assert.equal((await run.config()).strictSecrets, false);
    assert.deepEqual(problemsOf(run), []);
    const unused = run.lines.find(({ msg }) => msg === 'settings have no effect in this version');
    assert.deepEqual(new Set(unused?.['settings'] as string[]), new Set(['webhook', 'worker']));
    assert.match(
      String((await plane.client.get(leases, { namespace: 'default', name: 'mine' }))?.spec?.holderIdentity),
      /^pod_/,
    );
    assert.equal(seriesValue((await metricsOf(run)).body, 'kmm_configuration_problems', {}), 0);
  });

  it('runs with defaults for what is wrong in it, all of it told by field, in the log and to alerts [195]', async () => {
    await write(
      `${pages}writeConcurrency: many\nlogLevl: debug\nregistry: { timeout: soon, concurrency: 3 }\nstrictSecrets: false\n`,
    );
    const run = start();
    const { writeConcurrency, registry, strictSecrets, logLevel } = await run.config();
    assert.deepEqual([writeConcurrency, registry.timeout, registry.concurrency, logLevel], [8, 30_000, 3, 'info']);
    assert.equal(strictSecrets, false, 'said so');
    const told = problemsOf(run);
    assert.deepEqual(
      told.map(({ level }) => level),
      ['error', 'error', 'error'],
    );
    for (const field of [
      /^writeConcurrency: .*the default of writeConcurrency holds$/,
      /^registry\.timeout: expected a duration/,
      /logLevl.*it is ignored$/,
    ])
      assert.ok(
        told.some(({ problem }) => field.test(String(problem))),
        `${field}: ${JSON.stringify(told)}`,
      );
    assert.equal(seriesValue((await metricsOf(run)).body, 'kmm_configuration_problems', {}), 3);
  });

  const unclear: [string, string][] = [
    ['is misspelt', `${pages}strictSecret: true\n`],
    ['is no boolean', `${pages}strictSecrets: "false"\n`],
    ['is not said, and another key is unknown', `${pages}typo: 1\n`],
  ];
  for (const [why, text] of unclear) {
    it(`refuses unlabelled Secrets when strictSecrets ${why} [195]`, async () => {
      await write(text);
      const run = start();
      assert.equal((await run.config()).strictSecrets, true);
      assert.ok(run.lines.some(({ notice }) => /^strictSecrets: true holds/.test(String(notice))));
    });
  }

  it('does not start without the right to read it, and says so in one line [195]', async () => {
    refused = ({ verb, resource }) => verb === 'get' && resource === 'configmaps';
    const run = start();
    assert.equal(await run.code, 1);
    assert.equal(run.said.length, 1);
    assert.match(run.said[0] ?? '', /^small-program: no right to get ConfigMap default\/manager-config of --config: /);
  });

  it('does not start with a name that can be neither a ConfigMap nor a file [195]', async () => {
    const run = start('--config Hub_Config');
    assert.equal(await run.code, 1);
    assert.match(run.said.join(), /"Hub_Config" is neither a ConfigMap's name nor a path/);
  });

  describe('serves its pages as it says:', () => {
    it('the health page at its address, and no metrics at "0" [196]', async () => {
      await write(
        'healthProbeBindAddress: 127.0.0.1:0\nmetrics: { bindAddress: "0" }\nleaderElection: { enabled: false }\n',
      );
      const run = start();
      await run.config();
      const { status, url } = await run.page('serving health', '/healthz');
      assert.equal(status, 200);
      assert.match(url, /^http:\/\/127\.0\.0\.1:/);
      assert.ok(!run.lines.some(({ msg }) => msg === 'serving metrics'));
      const lease = await plane.client.get(leases, { namespace: 'default', name: 'small-program' });
      assert.equal(lease?.spec?.holderIdentity ?? '', '');
    });

    it('the metrics over HTTPS to a scraper with a token and the right to read them, and to nobody else [140] [196]', async () => {
      await write(pages);
      refused = ({ user, url }) => url === '/metrics' && user !== 'prometheus';
      const run = start();
      const page = await metricsOf(run);
      assert.equal(page.status, 200);
      assert.match(page.url, /^https:\/\/127\.0\.0\.1:/);
      assert.match(page.body, /^kmm_configuration_problems 0$/m);
      const statusFor = async (token?: string) => (await getPage(page.url, token)).status;
      assert.deepEqual(
        [await statusFor(), await statusFor('forged'), await statusFor(plane.server.token('eve'))],
        [401, 401, 403],
      );
      await assert.rejects(getPage(page.url.replace('https:', 'http:'), plane.server.token('prometheus')));
    });

    it('the metrics to nobody while it may not ask who they are [140]', async () => {
      await write(pages);
      refused = ({ resource }) => resource === 'tokenreviews';
      const run = start();
      assert.equal((await metricsOf(run)).status, 503);
      await eventually('told', () =>
        run.lines.some(({ msg }) => msg === 'cannot ask the API server who may read the metrics'),
      );
      refused = () => false;
      assert.equal((await metricsOf(run)).status, 200);
    });

    it('the metrics in clear and to everybody, where that is asked for [196]', async () => {
      await write(`${pages.replace('" }', '", secureServing: false, enableAuthnAuthz: false }')}`);
      const run = start();
      const { status, url } = await run.page('serving metrics', '/metrics');
      assert.deepEqual([status, new URL(url).protocol], [200, 'http:']);
    });
  });
});
