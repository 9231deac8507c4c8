import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Resource } from '../../shared/kube/object.ts';
import { configMaps, leases } from '../../shared/kube/resources.ts';
import type { ProgramConfig, ProgramEnvironment } from '../../shared/process/config.ts';
import type { ProgramHost } from '../../shared/process/host.ts';
import type { Program } from '../../shared/process/program.ts';
import { seriesValue } from '../../shared/testing/exposition.ts';
import { eventually } from '../world/eventually.ts';
import { configMap, type Plane, startPlane } from './plane.ts';
import { type Run, startRun } from './run.ts';
import { smallProgram } from './small-program/main.ts';

const config = ['healthProbeBindAddress: 127.0.0.1:0', 'metrics:', '  bindAddress: 127.0.0.1:0', ''].join('\n');

describe('a program', () => {
  let plane: Plane;
  let folder: string;
  beforeEach(async () => {
    plane = await startPlane();
    folder = mkdtempSync(join(tmpdir(), 'program-'));
  });
  afterEach(async () => {
    await plane.stop();
    rmSync(folder, { recursive: true });
  });

  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const environment = () => ({
    OPERATOR_NAMESPACE: 'default',
    KUBECONFIG: file('kubeconfig', plane.server.kubeconfig()),
  });

  const start = (
    overrides: Partial<ProgramHost> = {},
    program: Program<ProgramConfig, ProgramEnvironment> = smallProgram(),
  ): Run =>
    startRun(program, {
      arguments: ['--config', file('config.yaml', config)],
      environment: environment(),
      ...overrides,
    });
  const ready = (run: Run) =>
    eventually('ready', async () => (await run.page('serving health', '/readyz')).status === 200);
  const holder = async () =>
    (await plane.client.get(leases, { namespace: 'default', name: 'small-program' }))?.spec?.holderIdentity;

  it('[197] [198] is ready once its caches are synced, works, and ends with its lease given back', async () => {
    const run = start();
    await ready(run);
    const { status, body: alive } = await run.page('serving health', '/healthz');
    assert.deepEqual([status, alive], [200, 'ok']);
    await plane.client.create(configMaps, configMap('hello'));
    await eventually('hello seen', () => run.lines.some(({ msg, key }) => msg === 'seen' && key === 'hello'));
    assert.match(String(await holder()), /^pod_/);
    const { body } = await run.page('serving metrics', '/metrics', plane.server.token('prometheus'));
    assert.equal(seriesValue(body, 'kmm_leader', { lease: 'small-program' }), 1);
    const lists = { verb: 'list', resource: 'configmaps', status: '200' };
    assert.ok((seriesValue(body, 'kmm_api_requests_total', lists) ?? 0) >= 1);
    run.terminate();
    assert.equal(await run.code, 0);
    assert.equal(await holder(), '');
    assert.deepEqual(run.said, []);
    assert.ok(plane.server.requests.entries.some(({ userAgent }) => userAgent === 'small-program/1'));
  });

  it('[197] stands by, ready and without a cache, while another leads, and takes over from it', async () => {
    const first = start();
    await ready(first);
    const second = start();
    await ready(second);
    assert.equal(
      second.lines.some(({ msg }) => msg === 'leading'),
      false,
    );
    first.terminate();
    assert.equal(await first.code, 0);
    await eventually('the second leading', () => second.lines.some(({ msg }) => msg === 'leading'));
    await ready(second);
    second.terminate();
    assert.equal(await second.code, 0);
  });

  it('[197] ends at once when it loses its lease', async () => {
    const run = start();
    await ready(run);
    const body = { spec: { holderIdentity: 'thief' } };
    await plane.client.patch(leases, { namespace: 'default', name: 'small-program' }, { type: 'merge', body });
    assert.equal(await run.code, 1);
    assert.ok(run.lines.some(({ msg, why }) => msg === 'leadership lost, ending at once' && /thief/.test(String(why))));
  });

  it('ends orderly while it waits for the lease, and while it starts', async () => {
    const first = start();
    await ready(first);
    const second = start();
    await ready(second);
    second.terminate();
    assert.equal(await second.code, 0);
    first.terminate();
    assert.equal(await first.code, 0);
    const slow = start({}, { ...smallProgram(), start: ({ signal }) => rejectsWith(signal) });
    await eventually('leading', () => slow.lines.some(({ msg }) => msg === 'leading'));
    slow.terminate();
    assert.equal(await slow.code, 0);
  });

  const unknown: Resource<never> = { group: 'x.io', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true };
  const refused: { title: string; start: () => Run; said: RegExp[] }[] = [
    {
      title: 'without its environment and with a wrong configuration, naming all of it',
      start: () => start({ arguments: ['--config', file('bad.yaml', 'logLevel: loud\ntypo: 1\n')], environment: {} }),
      said: [/bad\.yaml: logLevel/, /bad\.yaml: .*typo/, /environment: OPERATOR_NAMESPACE/],
    },
    {
      title: 'with an argument that it does not know',
      start: () => start({ arguments: ['--verbose'] }),
      said: [/'--verbose'.*expected --config CONFIGMAP or --config \.\/FILE/],
    },
    {
      title: 'without a kubeconfig',
      start: () => start({ environment: { OPERATOR_NAMESPACE: 'default' } }),
      said: [/no kubeconfig: set KUBECONFIG/],
    },
    {
      title: 'when nobody listens',
      start: () =>
        start({
          environment: { ...environment(), KUBECONFIG: file('k', plane.server.kubeconfig().replace(/:\d+$/m, ':1')) },
        }),
      said: [/cannot reach the API server: https:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/],
    },
    {
      title: 'with a token that is not taken',
      start: () =>
        start({
          environment: {
            ...environment(),
            KUBECONFIG: file('k', plane.server.kubeconfig().replace(/token: .*/, 'token: wrong')),
          },
        }),
      said: [/the API server refuses our credentials/],
    },
    {
      title: 'without its CustomResourceDefinitions',
      start: () =>
        start({}, { ...smallProgram(), requirements: () => [{ resource: unknown }, { resource: configMaps }] }),
      said: [/does not know things\.x\.io \(v1\): install its CustomResourceDefinition/],
    },
  ];
  for (const { title, start: begin, said } of refused) {
    it(`does not start ${title}`, async () => {
      const run = begin();
      assert.equal(await run.code, 1);
      assert.equal(run.said.length, said.length, run.said.join('\n'));
      for (const [index, pattern] of said.entries()) assert.match(run.said[index] ?? '', pattern);
      assert.ok(run.said.every((line) => line.startsWith('small-program: ') && !line.includes('\n')));
    });
  }

  it('does not start without the right to read, naming what', async () => {
    const closed = await startPlane({
      authorize: ({ verb, resource }) => verb !== 'list' || resource !== 'configmaps',
    });
    try {
      const kubeconfig = file('k', closed.server.kubeconfig());
      const run = start({ environment: { OPERATOR_NAMESPACE: 'default', KUBECONFIG: kubeconfig } });
      assert.equal(await run.code, 1);
      assert.match(run.said.join('\n'), /^small-program: no right to list configmaps: [^\n]*$/);
    } finally {
      await closed.stop();
    }
  });

  it('ends within 10 s of SIGTERM as a process, with its lease given back', async () => {
    const program = fileURLToPath(new URL('./small-program/main.ts', import.meta.url));
    const child = spawn(process.execPath, [program, '--config', file('config.yaml', config)], {
      env: { ...process.env, ...environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
      });
      await plane.client.create(configMaps, configMap('hello'));
      await eventually('hello seen', () => output.includes('"key":"hello"'));
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      assert.equal(code, 0);
      assert.equal(await holder(), '');
    } finally {
      child.kill('SIGKILL');
    }
  });
});

function rejectsWith(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
