import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { type Lifeline, openLifeline } from '../world/control-plane/lifeline.ts';
import { orSkip, programsOrSkip } from '../world/debian/skip-loudly.ts';
import { eventually } from '../world/eventually.ts';
import { type Fleet, fleetLogin, hubNamespace, startFleetOn } from '../world/fleet/fleet.ts';
import { conditionOf, readModule, readPods } from '../world/fleet/observe.ts';
import { sampleDockerfile } from '../world/real-parts/sample-driver.ts';
import { builderImage, signerImage } from '../world/real-parts/step-images.ts';
import { type StockedRegistry, startStockedRegistry } from '../world/real-parts/stocked-registry.ts';
import { buildToolsImage } from '../world/registry/tools-image.ts';
import { enrollFromWithin } from '../world/vm/enroll.ts';
import { joinMachine } from '../world/vm/join.ts';
import { makeKey, type TestKey } from '../world/vm/kernel-module.ts';
import { findParts, type KernelParts, type Parts } from '../world/vm/packages.ts';
import type { VmNode } from '../world/vm/vm-node.ts';
import { ImageInputs } from './image-inputs.ts';
import { followImage } from './image-steps.ts';
import { sampleDriverSpec } from './sample-driver-spec.ts';
import { fleetSpec, type Stage, startPrograms } from './stage.ts';

/** A machine without KVM, on two cores that others may use too. */
const patienceMs = 240_000;
const authorities = 'registry-authorities';

/** All of it real but the control planes: compiler, buildah, registry, signatures, firmware, kernel. */
describe('a module from its source into a real kernel', function () {
  this.timeout(4 * patienceMs);
  let parts: Parts;
  let kernel: KernelParts;
  let lifeline: Lifeline;
  let stock: StockedRegistry;
  let stage: Stage<Fleet>;
  let secure: VmNode;
  let plain: VmNode;
  let keys: { old: TestKey; next: TestKey };
  const runtime: Runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };

  before(async function () {
    parts = await orSkip(this, findParts);

    const programs = await programsOrSkip(this, ['docker-registry', 'buildah', 'debootstrap']);
    lifeline = openLifeline('real-kernel');
    stock = await startStockedRegistry({ programs, login: fleetLogin });

    kernel = commonKernel();
    keys = { old: await makeKey(lifeline.folder, 'old'), next: await makeKey(lifeline.folder, 'next') };
    const tools = () => buildToolsImage({ busybox: readFileSync(parts.busybox) });
    const spokes = ['secure', 'plain'].map((name) => ({ name, nodes: [], labels: { boot: name } }));
    const images = { tools, builder: builderImage, signer: signerImage };
    const options = { spokes, runtime, timeFactor: 1, builder: true };
    const fleet = await startFleetOn({ registry: stock.registry, images }, options);
    const hubConfig = { strictSecrets: true, builds: { trustedCA: authorities }, job: { gcDelay: '1h' } };
    stage = await startPrograms(fleet, runtime, { hubConfig, patienceMs });

    await writeInputs();
    secure = await join('secure', { secureBoot: true, enrolled: [keys.old.der] });

    plain = await join('plain', { secureBoot: false });
  });

  after(async () => {
    await Promise.all([secure?.stop(), plain?.stop()]);
    await stage?.stop();
    await stock?.stop();
    await lifeline?.end();
  });

  /** Debian's archive moves on; what was fetched for the machine stays. */
  function commonKernel(): KernelParts {
    const found = parts.kernels.find(({ release }) => stock.kernels.includes(release));
    assert.ok(found, `expected a toolkit for a kernel of the machine, got them for ${stock.kernels.join(', ')}`);
    return found;
  }

  function join(name: string, boot: { secureBoot: boolean; enrolled?: Buffer[] }): Promise<VmNode> {
    const { fleet } = stage;
    const at = { spoke: fleet.spoke(name), runtime, name: `${name}-1`, registry: fleet.registry };
    return joinMachine({ ...at, ...boot, parts, kernel, lifeline });
  }

  async function writeInputs(): Promise<void> {
    const inputs = new ImageInputs(() => stage.fleet.hub.client, hubNamespace);
    await inputs.configMap('kmm-sample', { dockerfile: sampleDockerfile() });
    await inputs.configMap('kmm-driver-toolkit-images', { [kernel.release]: stock.toolkit(kernel.release) });
    await inputs.configMap(authorities, { 'ca-bundle.crt': stock.registry.caPem });
    for (const [name, { key, der }] of Object.entries(keys)) {
      await inputs.secret(`${name}-key`, 'sign', { key: readFileSync(key) });
      await inputs.secret(`${name}-certificate`, 'sign', { cert: der });
    }
  }

  const sample = (repository: string, key: keyof typeof keys | undefined) => sampleDriverSpec(stock, repository, key);

  async function loaded(node: VmNode): Promise<string[]> {
    const names = (await node.machine.shell("cut -d ' ' -f 1 /proc/modules")).split('\n');
    return names.filter((name) => name.startsWith('kmm_')).sort();
  }

  async function gone(name: string, ...nodes: VmNode[]): Promise<void> {
    await stage.remove(name);
    for (const node of nodes) {
      await eventually(`${name} is out of ${node.name}`, async () => (await loaded(node)).length === 0, patienceMs);
      assert.equal(await node.machine.shell('ls /run/kmm'), '');
    }
    await eventually(`${name} is gone`, async () => (await readModule(stage.fleet, name)) === undefined, patienceMs);
  }

  it('is compiled by buildah, signed, verified and shipped, and a Secure Boot kernel that knows the key loads it [91] [218]', async () => {
    await stage.apply('sample', fleetSpec(sample('sample', 'old'), { boot: 'secure' }));
    const isLoaded = async () => {
      if ((await loaded(secure)).includes('kmm_sample')) return true;
      throw new Error(JSON.stringify((await readPods(stage.fleet, 'secure')).map(({ status }) => status)));
    };
    const seconds = await followImage(stage.fleet, { name: 'sample', cluster: 'secure', isLoaded, patienceMs });
    console.log(`      ${seconds}`);
    const { status } = await stage.ready('sample');
    const [image] = status?.images ?? [];
    assert.equal(image?.state, 'Verified');
    assert.match(image?.digest ?? '', /^sha256:/);
    assert.match(await secure.machine.shell('cat /sys/kernel/security/lockdown'), /\[integrity\]/);
    assert.deepEqual(await loaded(secure), ['kmm_sample', 'kmm_sample_core']);
    assert.match(await secure.machine.shell('cat /dev/kmm-sample'), /fleet$/m);
    assert.deepEqual(await loaded(plain), []);
  });

  it('goes from that kernel when its object on the hub is deleted', () => gone('sample', secure));

  it('is refused by a kernel that does not know its key, and the hub says so in the kernel’s words [92]', async () => {
    await stage.apply('sample-next', fleetSpec(sample('sample-next', 'next')));
    const said = /secure-1 RequiredKeyNotAvailable: modprobe: ERROR: .*'kmm_sample': Key was rejected by service/;
    const look = async () => {
      const object = await readModule(stage.fleet, 'sample-next');
      const seen = conditionOf(object, 'Ready');
      assert.match(seen, /^False/);
      assert.match(seen, said);
      return object?.status?.clusters?.find(({ name }) => name === 'secure')?.message;
    };
    assert.match(await eventually('the hub says why', look, patienceMs), said);
    assert.deepEqual(await loaded(secure), []);
  });

  it('is loaded by a kernel whose firmware enforces nothing, whoever signed it [93]', async () => {
    await eventually('loaded', async () => (await loaded(plain)).includes('kmm_sample'), patienceMs);
    assert.match(await plain.machine.shell('cat /sys/kernel/security/lockdown'), /\[none\]/);
  });

  it('is loaded at last when its certificate was added to the firmware’s db and the node started again', async () => {
    await enrollFromWithin({ machine: secure.machine, parts, certificates: [keys.next.der], folder: lifeline.folder });
    await secure.reboot();
    await stage.ready('sample-next');
    assert.deepEqual(await loaded(secure), ['kmm_sample', 'kmm_sample_core']);
    await gone('sample-next', secure, plain);
  });

  it('is loaded there too when the key before signed it: keys may overlap', async () => {
    await stage.apply('sample', fleetSpec(sample('sample', 'old'), { boot: 'secure' }));
    await stage.ready('sample');
    assert.deepEqual(await loaded(secure), ['kmm_sample', 'kmm_sample_core']);
  });

  it('is loaded without any signature where the firmware enforces nothing [93]', async () => {
    await stage.apply('unsigned', fleetSpec(sample('unsigned', undefined), { boot: 'plain' }));
    const { status } = await stage.ready('unsigned');
    assert.equal(status?.images?.[0]?.state, 'Verified');
    assert.deepEqual(await loaded(plain), ['kmm_sample', 'kmm_sample_core']);
  });
});
