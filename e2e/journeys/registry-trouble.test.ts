import assert from 'node:assert/strict';
import { systemClock } from '../../shared/core/clock.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { conditionOf, loadedModules, readModule, readWork, readWorks } from '../world/fleet/observe.ts';
import { buildModuleImage } from '../world/registry/module-image.ts';
import { pushImage } from '../world/registry/push.ts';
import { type Registry, type RegistryFault, startRegistry } from '../world/registry/server.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

const foreignDigest = `sha256:${'0'.repeat(64)}`;
/** By module: what its registry does, and how that is called in the status. */
const troubles: Record<string, { fault: RegistryFault; reason: string; message: RegExp }> = {
  down: { fault: { hangUp: true }, reason: 'RegistryUnavailable', message: /localhost/ },
  slow: { fault: { delayMs: 3_600_000 }, reason: 'RegistryUnavailable', message: /30 s|time/i },
  broken: { fault: { reply: { status: 503 } }, reason: 'RegistryUnavailable', message: /503/ },
  unknown: { fault: { reply: { status: 401 } }, reason: 'AccessDenied', message: /401/ },
  forbidden: { fault: { reply: { status: 403 } }, reason: 'AccessDenied', message: /403/ },
  busy: {
    fault: { reply: { status: 429, headers: { 'retry-after': '90' } } },
    reason: 'TooManyRequests',
    message: /429|too many/i,
  },
  wrong: {
    fault: { reply: { status: 200, headers: { 'docker-content-digest': foreignDigest } } },
    reason: 'UnexpectedAnswer',
    message: /the registry answers with sha256:0000/,
  },
};
const names = Object.keys(troubles);

describe('a registry in trouble', () => {
  let stage: Stage;
  let stranger: Registry;
  /** Real milliseconds of the hub's questions, by module. */
  const asked = new Map<string, number[]>();
  let isOver = false;
  const imageOf = async (name: string) => (await readModule(stage.fleet, name))?.status?.images?.[0];
  const isLoaded = (name: string) => loadedModules(stage.fleet, 'edge-1', 'n1').includes(name);

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] }]);
    const { fleet } = stage;
    for (const module of ['nic', ...names]) {
      const pinned = await pushDriver(fleet, { repository: `drivers/${module}`, module, kernels: [kernels.el9] });
      if (module === 'wrong') wrongImage = pinned[kernels.el9] ?? '';
    }
    await stage.apply('nic', fleetSpec(driverSpec(fleet, 'drivers/nic')));
    await stage.ready('nic');
    fleet.registry.fault = ({ path }) => {
      const module = /^\/v2\/drivers\/([^/]+)\/manifests/.exec(path)?.[1] ?? '';
      const trouble = troubles[module];
      if (trouble === undefined) return undefined;
      if (path.endsWith(kernels.el9)) asked.set(module, [...(asked.get(module) ?? []), systemClock.now()]);
      return isOver ? undefined : trouble.fault;
    };
    stranger = await startRegistry({ clock: systemClock });
    await pushImage(
      stranger,
      { repository: 'drivers/self-signed', tag: 'v1' },
      await buildModuleImage({ kernels: {} }),
    );
  });
  after(async () => {
    await stage.stop();
    await stranger.stop();
  });
  let wrongImage = '';

  it('is named as what it is, and nothing is shipped', async () => {
    const { fleet } = stage;
    for (const name of names) {
      const spec = driverSpec(fleet, `drivers/${name}`);
      if (name === 'wrong') spec.moduleLoader!.container.kernelMappings[0]!.containerImage = wrongImage;
      await stage.apply(name, fleetSpec(spec));
    }
    const selfSigned = driverSpec(fleet, 'drivers/self-signed');
    selfSigned.moduleLoader!.container.kernelMappings[0]!.containerImage = `${stranger.host}/drivers/self-signed:v1`;
    await stage.apply('self-signed', fleetSpec(selfSigned));
    const expected = { ...troubles, 'self-signed': { reason: 'CertificateRefused', message: /certificate/i } };
    for (const [name, { reason, message }] of Object.entries(expected)) {
      const image = await eventually(`${name} is named`, async () => {
        const seen = await imageOf(name);
        return seen?.state === 'Unknown' ? seen : Promise.reject(new Error(JSON.stringify(seen)));
      });
      assert.equal(image.reason, reason, `${name}: ${JSON.stringify(image)}`);
      assert.match(image.message ?? '', message, `${name}: ${image.message}`);
      const object = await stage.ready(name, `False ${reason}`);
      assert.match(conditionOf(object, 'ImagesReady'), new RegExp(`^Unknown ${reason}: .*drivers/${name}`));
    }
    assert.deepEqual(
      (await readWorks(fleet)).map(({ metadata }) => metadata.name),
      ['nic'],
    );
  });

  it('takes nothing away: a module whose new image cannot be looked up stays as it is', async () => {
    const before = await readWork(stage.fleet, 'edge-1', 'nic');
    const kernelMappings = [{ regexp: '^.+$', containerImage: `${stage.fleet.registry.host}/drivers/forbidden:v2` }];
    await stage.edit('nic', { moduleSpec: { moduleLoader: { container: { kernelMappings } } } });
    await stage.ready('nic', 'False AccessDenied');
    assert.deepEqual((await readWork(stage.fleet, 'edge-1', 'nic'))?.spec, before?.spec);
    assert.ok(isLoaded('nic'));
  });

  it('is asked again after 30 s and then ever later, or as late as it asks to be', async () => {
    await eventually('three looks', () => looks('forbidden').length >= 3);
    const [first = 0, second = 0, third = 0] = looks('forbidden');
    // The world runs ten times as fast as this clock; how much later than due a busy machine looks, nobody knows.
    assert.ok(second - first >= 2_900, `${second - first}`);
    assert.ok(third - second >= 5_800, `${third - second}`);
    assert.equal(looks('busy').filter((at) => at < (looks('busy')[0] ?? 0) + 8_900).length, 1);
  });

  it('is forgiven: what it holds is shipped and loaded once it answers', async () => {
    isOver = true;
    const kernelMappings = driverSpec(stage.fleet, 'drivers/nic').moduleLoader?.container.kernelMappings;
    await stage.edit('nic', { moduleSpec: { moduleLoader: { container: { kernelMappings } } } });
    for (const name of ['nic', ...names]) await stage.ready(name);
    assert.deepEqual(
      ['nic', ...names].filter((name) => !isLoaded(name)),
      [],
    );
  });

  /** Requests of one look follow each other at once. */
  function looks(name: string): number[] {
    const times = asked.get(name) ?? [];
    return times.filter((at, index) => at - (times[index - 1] ?? 0) > 1_500);
  }
});
