import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../shared/core/clock.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { applyDefinitions, ourDefinitions } from '../world/api-server/definitions.ts';
import { type ApiServer, startApiServer } from '../world/api-server/server.ts';
import { ocmDefinitions } from '../world/ocm/definitions.ts';

const root = join(import.meta.dirname, '../..');

/** What `programs` say and how they end, as their pods' logs would show it. */
describe('a program that cannot start', () => {
  let folder: string;
  let bare: ApiServer;
  let closed: ApiServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kmm-start-'));
    bare = await startApiServer({ clock: systemClock, name: 'bare' });
    const robots = /^system:serviceaccount:/;
    closed = await startApiServer({
      clock: systemClock,
      name: 'closed',
      authorize: ({ user, resource }) => !robots.test(user) || !/^(modules|managedclusters)$/.test(resource),
    });
    const admin = createKubeClient({ kubeconfig: { text: closed.kubeconfig() } });
    await applyDefinitions(admin, [...ourDefinitions(), ...ocmDefinitions()]);
    await admin.close();
  });
  after(async () => {
    await bare.stop();
    await closed.stop();
    await rm(folder, { recursive: true });
  });

  async function run(program: 'hub' | 'spoke', kubeconfig: string): Promise<{ code: unknown; lines: string[] }> {
    const file = join(folder, `${program}.kubeconfig`);
    await writeFile(file, kubeconfig);
    const settings = { KUBECONFIG: file, OPERATOR_NAMESPACE: 'kmm', RELATED_IMAGE_WORKER: 'i:1', KMM_MANAGED: '1' };
    const config = join(folder, 'config.yaml');
    await writeFile(config, 'healthProbeBindAddress: 127.0.0.1:0\nmetrics:\n  bindAddress: 127.0.0.1:0\n');
    const args = [join(root, program, 'main.ts'), '--config', config];
    return new Promise((resolve) => {
      execFile(process.execPath, args, { env: { PATH: process.env['PATH'], ...settings } }, (error, _, stderr) => {
        resolve({ code: error?.code ?? 0, lines: stderr.split('\n').filter((line) => line !== '') });
      });
    });
  }

  const robot = 'system:serviceaccount:kmm:robot';
  const unreachable = () => bare.kubeconfig().replace(/:\d+$/m, ':1');
  for (const [program, name] of [
    ['hub', 'kmm-hub'],
    ['spoke', 'kmm'],
  ] as const) {
    const cases: [string, () => string, RegExp][] = [
      ['whose kubeconfig is none', () => 'clusters: 7', /kubeconfig/i],
      [
        'whose kubeconfig names a server that does not listen',
        unreachable,
        /cannot reach the API server: .*ECONNREFUSED/,
      ],
      [
        'whose CustomResourceDefinitions are missing',
        () => bare.kubeconfig(),
        /does not know \w+\.[\w.-]+ \(\w+\): install its CustomResourceDefinition/,
      ],
      [
        'without the right to list what it needs',
        () => closed.kubeconfig(robot),
        /no right to list (modules\.kmm|managedclusters\.cluster)\S+: .*cannot list/,
      ],
    ];
    // What both share is asked of one: a process takes its time to start.
    for (const [why, kubeconfig, expected] of program === 'hub' ? cases : cases.slice(2))
      it(`${name}: ${why}: says so in a clear line each and ends with 1`, async () => {
        const { code, lines } = await run(program, kubeconfig());
        assert.equal(code, 1);
        assert.ok(lines.length > 0 && lines.length <= 4, lines.join('\n'));
        for (const line of lines) assert.match(line, new RegExp(`^${name}: .*${expected.source}`, expected.flags));
      });
  }
});
