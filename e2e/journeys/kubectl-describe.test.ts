import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasKubectl } from '../conformance/kubectl.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { spokeNamespace } from '../world/fleet/fleet.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

const run = promisify(execFile);

describe('kubectl, while a node refuses the module', () => {
  let stage: Stage | undefined;
  const kubectl = async (kubeconfig: string, ...args: string[]) => {
    const folder = stage?.fleet.folder ?? '';
    const file = join(folder, 'kubeconfig');
    await writeFile(file, kubeconfig);
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: file };
    return (await run('kubectl', args, { env, timeout: 20_000 })).stdout;
  };

  before(async function () {
    if (!(await hasKubectl('truth.test.ts reads the same statuses'))) this.skip();
    const kernel = { release: kernels.el9, trustedSigners: ['somebody else'] };
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel }] }]);
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
    await stage.apply('nic', fleetSpec(driverSpec(stage.fleet, 'drivers/nic')));
  });
  after(() => stage?.stop());

  it("shows modprobe's own line on the hub, in the Module and in its pod, and where it stands in a table [205]", async () => {
    const { hub } = stage!.fleet;
    const spoke = await stage!.fleet.spoke('edge-1').plane.kubeconfig();
    const admin = await hub.kubeconfig();
    const shows = (kubeconfig: string, ...args: string[]) =>
      eventually(`kubectl ${args.join(' ')}`, async () =>
        /Required key not available/.test(await kubectl(kubeconfig, ...args)),
      );
    await shows(spoke, '-n', spokeNamespace, 'describe', 'module', 'nic');
    await shows(spoke, '-n', spokeNamespace, 'describe', 'pods');
    await shows(admin, 'describe', 'mcm', 'nic');
    await stage!.ready('nic', 'False LoadFailed');
    assert.match(await kubectl(admin, 'get', 'mcm'), /nic +1 +0 +1 +False/);
  });
});
