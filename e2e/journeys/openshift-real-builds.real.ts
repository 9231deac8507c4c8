import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { OpenShiftBuild } from '../../shared/build/openshift-build.ts';
import { builds } from '../../shared/build/openshift-kinds.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { Cache } from '../../shared/kube/cache.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { attempt } from '../world/debian/run.ts';
import { programsOrSkip } from '../world/debian/skip-loudly.ts';
import { eventually } from '../world/eventually.ts';
import { type Fleet, fleetLogin, hubNamespace, startFleetOn } from '../world/fleet/fleet.ts';
import { readModule } from '../world/fleet/observe.ts';
import { type OpenShiftBuilds, serveBuilds, startOpenShiftBuilds } from '../world/openshift/builds.ts';
import { sampleDockerfile } from '../world/real-parts/sample-driver.ts';
import { signerImage, trustingBuilderImage } from '../world/real-parts/step-images.ts';
import { type StockedRegistry, startStockedRegistry } from '../world/real-parts/stocked-registry.ts';
import { buildToolsImage } from '../world/registry/tools-image.ts';
import { ImageInputs } from './image-inputs.ts';
import { untilImagesReady } from './image-steps.ts';
import { sampleDriverSpec } from './sample-driver-spec.ts';
import { fleetSpec, type Stage, startPrograms } from './stage.ts';

const patienceMs = 240_000;
const osBuild = '412.86.202302091057-0';
const authorities = 'registry-authorities';
/** Another one in each run, so that nobody else's counts. */
const sleepSeconds = 900_000 + process.pid;
type Phase = NonNullable<NonNullable<OpenShiftBuild['status']>['phase']>;

/** The build controller is a stand-in; what its pods run is the real buildah with a real compiler. */
describe('OpenShift’s Builds, by the real buildah', function () {
  this.timeout(2 * patienceMs);
  let stock: StockedRegistry;
  let stage: Stage<Fleet>;
  let openShift: OpenShiftBuilds;
  const watching = new AbortController();
  const runtime: Runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
  /** All that ever was there, by UID: as it was last seen, and its phases in their order, but for the one that is over as soon as its pod runs. */
  const seen = new Map<string, { build: OpenShiftBuild; phases: Phase[] }>();
  const hub = () => stage.fleet.hub.client;
  const inputs = new ImageInputs(hub, hubNamespace);

  before(async function () {
    const programs = await programsOrSkip(this, ['docker-registry', 'buildah', 'debootstrap']);
    stock = await startStockedRegistry({ programs, login: fleetLogin });
    const [release = ''] = stock.kernels;
    const builder = () => trustingBuilderImage(stock.registry);
    const fleet = await startFleetOn(
      { registry: stock.registry, images: { tools: buildToolsImage, builder, signer: signerImage } },
      {
        spokes: [{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release } }] }],
        runtime,
        timeFactor: 1,
        builder: { release, osImage: `Red Hat Enterprise Linux CoreOS ${osBuild}` },
        serveOnHub: serveBuilds,
      },
    );
    openShift = await startOpenShiftBuilds(fleet, runtime);
    await openShift.tagToolkits({ [osBuild]: stock.toolkit(release) });
    const hubConfig = { builds: { trustedCA: authorities }, job: { gcDelay: '1h' } };
    stage = await startPrograms(fleet, runtime, { hubConfig, patienceMs });
    watchBuilds();
    await inputs.configMap(authorities, { 'ca-bundle.crt': stock.registry.caPem });
    await inputs.configMap('kmm-sample', { dockerfile: sampleDockerfile() });
    await inputs.keyPair('signing', 'sign');
  });

  after(async () => {
    watching.abort();
    await openShift?.stop();
    await stage?.stop();
    await stock?.stop();
  });

  function watchBuilds(): void {
    const cache = new Cache({ client: hub(), runtime, resource: builds, namespace: hubNamespace });
    cache.subscribe(({ current }) => {
      if (current === undefined) return;
      const { uid = '' } = current.metadata;
      const phases = seen.get(uid)?.phases ?? [];
      const phase = current.status?.phase;
      seen.set(uid, {
        build: current,
        phases: phase === undefined || phase === 'Pending' || phase === phases.at(-1) ? phases : [...phases, phase],
      });
    });
    cache.start(watching.signal);
  }

  const buildsOf = (repository: string) =>
    [...seen.values()].filter(({ build }) => build.spec.output.to.name.includes(`/drivers/${repository}:`));

  const write = (dockerfile: string) => inputs.writeDockerfile('kmm-sample', dockerfile);
  const imagesReady = (name: string, expected: RegExp) => untilImagesReady(stage.fleet, name, expected, patienceMs);

  const sleepers = async () => (await attempt('pgrep', ['-f', `^sleep ${sleepSeconds}`])).stdout;

  it('compiles the sample with the toolkit of the ImageStream, and what the hub verifies is what it pushed and we signed [67] [74]', async () => {
    await stage.apply('sample', fleetSpec(sampleDriverSpec(stock, 'sample', 'signing')));
    await imagesReady('sample', /^True/);
    const [{ build, phases } = assert.fail('no Build'), ...others] = buildsOf('sample');
    assert.deepEqual(others, []);
    assert.deepEqual(phases, ['New', 'Running', 'Complete']);
    assert.match(build.status?.output?.to?.imageDigest ?? '', /^sha256:[0-9a-f]{64}$/);
    const [image] = (await readModule(stage.fleet, 'sample'))?.status?.images ?? [];
    assert.equal(image?.state, 'Verified');
    assert.notEqual(image?.digest, build.status?.output?.to?.imageDigest);
    await stage.remove('sample');
  });

  it('ends with the last lines of what the compiler said, and the hub shows them [76]', async () => {
    const make = 'RUN ["make"';
    assert.ok(sampleDockerfile().includes(make));
    await write(
      sampleDockerfile().replace(make, `RUN echo "int broken = ;" >/usr/src/kmm-sample/kmm_sample.c\n${make}`),
    );
    await stage.apply('broken', fleetSpec(sampleDriverSpec(stock, 'broken', undefined)));
    await imagesReady('broken', /^False BuildFailed.*DockerBuildFailed: [\s\S]*exit status 2/);
    const [{ build, phases } = assert.fail('no Build')] = buildsOf('broken');
    assert.deepEqual(phases, ['New', 'Running', 'Failed']);
    assert.match(build.status?.logSnippet ?? '', /exit status 2/);
    await stage.remove('broken');
  });

  it('is cancelled while it runs, and leaves no process and no mount behind', async () => {
    await write(`ARG BASE_IMAGE\nFROM $BASE_IMAGE\nRUN sleep ${sleepSeconds}\n`);
    await stage.apply('slow', fleetSpec(sampleDriverSpec(stock, 'slow', undefined)));
    await eventually('the build sleeps', async () => (await sleepers()) !== '', patienceMs);
    const { namespace, name } = buildsOf('slow')[0]!.build.metadata;
    // What `oc cancel-build` sets.
    await hub().patch(
      builds,
      { namespace, name },
      { type: 'merge', body: { status: { cancelled: true } } },
      { subresource: 'status' },
    );
    await imagesReady('slow', /^False BuildFailed.*CancelledBuild: The build was cancelled by the user/);
    assert.deepEqual(buildsOf('slow')[0]?.phases, ['New', 'Running', 'Cancelled']);
    await stage.remove('slow');
    await eventually('no process is left', async () => (await sleepers()) === '', patienceMs);
    assert.doesNotMatch(readFileSync('/proc/mounts', 'utf8'), /hub-node/);
  });
});
