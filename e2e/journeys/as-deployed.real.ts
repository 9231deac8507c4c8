import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { managedClusterModules } from '@open-cluster-management/api-types';
import { Agent } from 'undici';
import { stringify } from 'yaml';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { configMaps, leases, resource } from '../../shared/kube/resources.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { programContainer } from '../../shared/testing/deployed.ts';
import { type ProgramProcess, startProgramProcess } from '../demo/program-process.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { type Fleet, hubNamespace, operatorNamespace, programUsers, startFleet } from '../world/fleet/fleet.ts';
import { conditionOf, loadedModules, readModule } from '../world/fleet/observe.ts';
import type { Plane } from '../world/fleet/plane.ts';
import { Processes } from '../world/node/processes.ts';
import { clusterRoleBindings } from '../world/rights/rbac.ts';
import { driverSpec, fleetSpec, kernels } from './stage.ts';

/** Both programs as processes with the arguments, the environment and the account of their Deployments, in real time. */
describe('the programs, started as deploy/ starts them', () => {
  const processes = new Processes();
  let fleet: Fleet;
  const programs: Partial<Record<'hub' | 'spoke', ProgramProcess>> = {};
  const spokePlane = () => fleet.spoke('edge-1').plane;

  before(async () => {
    const runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
    const nodes = [{ name: 'n1', kernel: { release: kernels.el9 } }];
    fleet = await startFleet({ spokes: [{ name: 'edge-1', nodes }], runtime, timeFactor: 1 });
    await pushDriver(fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
    const caFile = join(fleet.folder, 'registry-ca.pem');
    await writeFile(caFile, fleet.registry.caPem);
    programs.hub = await start('hub', fleet.hub, { registry: { caFile } });
    programs.spoke = await start('spoke', spokePlane(), {});
  });
  after(async () => {
    await Promise.all(Object.values(programs).map((program) => program.stop()));
    await fleet?.stop();
    processes.stop();
  });

  async function start(name: 'hub' | 'spoke', plane: Plane, settings: object): Promise<ProgramProcess> {
    const namespace = name === 'hub' ? hubNamespace : operatorNamespace;
    const { args, env } = programContainer(name);
    const config = args[args.indexOf('--config') + 1] ?? '';
    // On one machine every program needs ports of its own: that is all that the configuration says.
    const ports = { healthProbeBindAddress: '127.0.0.1:0', metrics: { bindAddress: '127.0.0.1:0' } };
    await plane.client.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: config },
      data: { 'controller_config.yaml': stringify({ ...ports, ...settings }) },
    });
    const KUBECONFIG = join(fleet.folder, `${name}.kubeconfig`);
    await writeFile(KUBECONFIG, await plane.kubeconfig(programUsers[name]));
    const said = Object.fromEntries(env.map(({ name: variable, value = '' }) => [variable, value]));
    const environment = { ...said, KUBECONFIG, OPERATOR_NAMESPACE: namespace };
    const tools: Record<string, string> = name === 'spoke' ? { RELATED_IMAGE_WORKER: fleet.toolsImage } : {};
    const folder = fleet.folder;
    return startProgramProcess({ processes, name, config, environment: { ...environment, ...tools }, folder });
  }

  async function scrape(program: ProgramProcess, token?: string): Promise<{ code: number; text: string }> {
    const agent = new Agent({ connect: { rejectUnauthorized: false } });
    const url = new URL(program.urlOf('serving metrics'));
    assert.equal(url.protocol, 'https:');
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await agent.request({ origin: url.origin, path: '/metrics', method: 'GET', headers });
    const text = await answer.body.text();
    await agent.close();
    return { code: answer.statusCode, text };
  }

  async function tokenOf(plane: Plane, namespace: string, name: string): Promise<string> {
    const accounts = resource('', 'v1', 'ServiceAccount', 'serviceaccounts', true);
    await plane.client.create(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } });
    const { credentials } = loadKubeconfig({
      text: await plane.kubeconfig(`system:serviceaccount:${namespace}:${name}`),
    });
    assert.equal(credentials.kind, 'tokenFile');
    return readFile(credentials.path, 'utf8');
  }

  const leasesOfBoth = () =>
    Promise.all([
      fleet.hub.client.get(leases, { namespace: hubNamespace, name: 'kmm-hub.sigs.x-k8s.io' }),
      spokePlane().client.get(leases, { namespace: operatorNamespace, name: 'kmm.sigs.x-k8s.io' }),
    ]);

  it('lead by a lease each', async () => {
    for (const lease of await leasesOfBoth()) assert.ok(lease?.spec?.holderIdentity);
  });

  it('do the main job with the rights that deploy/ gives them', async () => {
    await fleet.hub.client.create(managedClusterModules, {
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ManagedClusterModule',
      metadata: { name: 'nic' },
      spec: fleetSpec(driverSpec(fleet, 'drivers/nic')),
    });
    await eventually('it is Ready', async () => {
      const seen = conditionOf(await readModule(fleet, 'nic'), 'Ready');
      return seen.startsWith('True') || Promise.reject(new Error(seen));
    });
    assert.deepEqual(loadedModules(fleet, 'edge-1', 'n1'), ['nic']);
  });

  for (const name of ['hub', 'spoke'] as const) {
    it(`show the metrics of the ${name} over HTTPS to whom RBAC allows it, and to nobody else [140]`, async () => {
      const program = programs[name]!;
      const plane = name === 'hub' ? fleet.hub : spokePlane();
      const role = name === 'hub' ? 'kmm-operator-hub-metrics-reader' : 'kmm-operator-metrics-reader';
      const [scraper, stranger] = [
        await tokenOf(plane, 'default', `scraper-of-${name}`),
        await tokenOf(plane, 'default', `stranger-of-${name}`),
      ];
      await plane.client.create(clusterRoleBindings, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'scraper' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'ServiceAccount', name: `scraper-of-${name}`, namespace: 'default' }],
      });
      const page = await eventually('the scraper is let in', async () => {
        const seen = await scrape(program, scraper);
        return seen.code === 200 ? seen : undefined;
      });
      assert.match(page.text, /^kmm_module_num 1$/m);
      assert.equal((await scrape(program)).code, 401);
      assert.equal((await scrape(program, `${scraper}x`)).code, 401);
      assert.equal((await scrape(program, stranger)).code, 403);
    });
  }

  it('end with 0 after SIGTERM, and give their leases back', async () => {
    const ended = await Promise.all([programs.hub?.stop(), programs.spoke?.stop()]);
    assert.deepEqual(ended, [0, 0]);
    for (const lease of await leasesOfBoth()) assert.equal(lease?.spec?.holderIdentity ?? '', '');
  });
});
