import assert from 'node:assert/strict';
import { array, asyncProperty, boolean, assert as check, constantFrom } from 'fast-check';
import type { OpenShiftBuild } from '../build/openshift-build.ts';
import { silentLog } from '../core/log.ts';
import { ImageChecks } from '../images/checks.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import type { ListOptions } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import { annotations, labels } from '../kube/names.ts';
import type { Job, KubeObject } from '../kube/object.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { settle, VirtualClock } from '../testing/virtual-clock.ts';
import { ImageMaking } from './image-making.ts';
import { imageHash } from './job-shelf.ts';
import type { MakingObject } from './job-view.ts';
import type { Step } from './picture.ts';
import { Places } from './places.ts';
import type { Workshop } from './workshop.ts';

const tls = { insecure: false, insecureSkipTLSVerify: false };
const keepFinishedMs = 5 * 60_000;
const buildTimeoutMs = 3_600_000;

/** What is asked for: three images of two modules, one of them built and signed. */
function recipe(image: string, kernel: string, isSigned: boolean): ImageRecipe {
  const unsignedImage = `${image}-unsigned`;
  return {
    image,
    registryTLS: tls,
    kernel,
    dirName: '/opt',
    moduleName: 'driver',
    build: {
      image: isSigned ? unsignedImage : image,
      dockerfileConfigMap: 'd',
      args: [],
      secrets: [],
      baseImageRegistryTLS: tls,
    },
    ...(isSigned && {
      sign: {
        keySecret: 'k',
        certSecret: 'c',
        filesToSign: ['/opt/x.ko'],
        unsignedImage,
        unsignedImageRegistryTLS: tls,
      },
    }),
  };
}

const wishes = [
  { token: 'a', recipe: recipe('registry.example/a:1', '6.1.0-1', true) },
  { token: 'b', recipe: recipe('registry.example/a:1', '6.1.0-1', true) },
  { token: 'c', recipe: recipe('registry.example/b:1', '6.1.0-1', false) },
  { token: 'd', recipe: recipe('registry.example/c:1', '6.1.0-2', false) },
] as const;

/** That an image is being made anew: no work. */
function isNote({ spec }: MakingObject): boolean {
  return 'suspend' in spec && spec.suspend === true;
}

/** An API server whose cache lags, a registry, Jobs and Builds that end when the test says, and a hub that may start again. */
class World {
  readonly clock: VirtualClock;
  readonly jobs = new Map<string, MakingObject>();
  #seen: MakingObject[] = [];
  #seenMs = 0;
  readonly #buildKind: 'Job' | 'Build';
  readonly registry: Map<string, string>;
  readonly places: Places;
  /** Version of all inputs, and what a build of it makes. */
  version = 1;
  isGood = true;
  readonly begun: string[] = [];
  /** Names that were taken. */
  refused = 0;
  /** Questions to the registry. */
  asked = 0;
  readonly #told = new Set<string>();
  #uid = 0;
  readonly due = new Set<string>();
  making: ImageMaking;

  /** `other`: another namespace of the same program. */
  constructor(buildKind: 'Job' | 'Build' = 'Job', other?: World) {
    this.#buildKind = buildKind;
    this.clock = other?.clock ?? new VirtualClock();
    this.registry = other?.registry ?? new Map();
    this.places = other?.places ?? new Places(2);
    this.making = this.#start();
  }

  #start(): ImageMaking {
    const runtime = { clock: this.clock, random: () => 0, log: silentLog, meters: undefined as never };
    const checks: ImageChecks = new ImageChecks({
      registry: {
        exists: async ({ reference: { registry, repository, tag } }) => {
          this.asked += 1;
          const digest = this.registry.get(`${registry}/${repository}:${tag}`);
          return digest === undefined ? { kind: 'missing', message: 'not there' } : { kind: 'found', digest };
        },
        takesPushes: async () => false,
      },
      readSecret: async () => undefined,
      runtime,
      onChange: (tokens) => making.answered(tokens),
    });
    const making: ImageMaking = new ImageMaking({
      client: this.#client(),
      runtime,
      namespace: 'kmm',
      checks,
      jobs: [
        {
          get: ({ name }) => this.#seen.find(({ metadata }) => metadata.name === name),
          list: () => this.#seen,
          byIndex: (_, hash) => this.#seen.filter(({ metadata }) => metadata.labels?.[labels.image] === hash),
          synced: true,
        },
      ],
      workshop: this.#workshop(),
      places: this.places,
      keepFinishedMs,
      buildTimeoutMs,
      makerOf: (token) => ({
        name: 'm',
        label: labels.managedClusterModule,
        owner: { apiVersion: 'v1', kind: 'M', name: 'm', uid: `u-${token}`, controller: true },
        isCurrent: true,
      }),
      told: {
        created: () => undefined,
        ended: ({ uid }) => this.#tellEnd(uid),
        cancelled: () => undefined,
      },
      verify: async (wants, digest) =>
        wants.map(({ request }) =>
          digest.includes('bad')
            ? { kind: 'bad', reason: 'WrongVermagic', message: `${request.image} is no good` }
            : { kind: 'good', digest },
        ),
      look: (image) => this.due.add(image),
      isSettled: () => true,
      onChange: () => undefined,
    });
    return making;
  }

  #workshop(): Workshop {
    const nameOf = (step: Step, { recipe: { image } }: { recipe: ImageRecipe }) => `m-${step}-${imageHash(image)}`;
    return {
      inputs: ({ recipe: { sign }, unsigned }) => ({
        kind: 'ready',
        build: `b${this.version}`,
        sign: sign && unsigned ? `s${this.version}-${unsigned}` : undefined,
      }),
      nameOf,
      job: async (step, order) => ({
        kind: 'object',
        warnings: [],
        object: {
          apiVersion: 'v1',
          kind: step === 'build' ? this.#buildKind : 'Job',
          metadata: {
            name: nameOf(step, order),
            namespace: 'kmm',
            labels: {
              [labels.image]: imageHash(order.recipe.image),
              [labels.buildType]: step,
              [labels.managedClusterModule]: 'm',
            },
            annotations: {
              [annotations.image]: order.recipe.image,
              [annotations.inputsHash]: order.hash,
              [annotations.attempt]: String(order.attempt),
            },
          },
          spec: {} as Job['spec'] & OpenShiftBuild['spec'],
        },
      }),
    };
  }

  #client() {
    return fakeClient({
      create: (async ({ kind }: { kind: string }, object: MakingObject) => {
        assert.equal(kind, object.kind);
        const isTaken = this.jobs.has(object.metadata.name);
        if (isTaken) this.refused += 1;
        if (isTaken) throw new KubeError(409, 'AlreadyExists', 'it is there');
        this.#uid += 1;
        const job = { ...object, metadata: { ...object.metadata, uid: `uid-${this.#uid}` } };
        this.jobs.set(job.metadata.name, job);
        if (!isNote(job)) this.begun.push(job.metadata.name);
        this.#assertBounds();
        return job;
      }) as never,
      delete: async ({ kind }, { name }, options) => {
        const job = this.jobs.get(name);
        if (job?.kind !== kind || job.metadata.uid !== options?.preconditions?.uid) return;
        this.jobs.set(name, { ...job, metadata: { ...job.metadata, deletionTimestamp: 'now' } });
      },
      patch: (async (resource: { kind: string }, { name }: { name: string }, patch: { body: KubeObject }) => {
        const job = this.jobs.get(name);
        assert.equal(resource.kind, job?.kind ?? resource.kind);
        const { uid: expected = job?.metadata.uid, ownerReferences } = patch.body.metadata;
        if (job?.metadata.uid !== expected) throw new KubeError(409, 'Conflict', 'another object');
        const noted = { ...job?.metadata.annotations, ...patch.body.metadata.annotations };
        const owned = ownerReferences && { ownerReferences };
        if (job) this.jobs.set(name, { ...job, metadata: { ...job.metadata, annotations: noted, ...owned } });
        return job;
      }) as never,
      list: (async (_: unknown, { labelSelector, fieldSelector }: ListOptions) => {
        const job = this.jobs.get((labelSelector ?? fieldSelector ?? '').split('=')[1] ?? '');
        if (fieldSelector) return { metadata: { resourceVersion: '1' }, items: job ? [job] : [] };
        const message = job?.metadata.annotations?.['said'] ?? '';
        const owner = { apiVersion: 'batch/v1', kind: 'Job', name: '', uid: job?.metadata.uid ?? '' };
        const pod = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'p', ownerReferences: [owner] },
          status: { containerStatuses: [{ state: { terminated: { message } } }] },
        };
        return { metadata: { resourceVersion: '1' }, items: [pod] };
      }) as never,
    });
  }

  /** Images that Jobs work on. */
  atWork(): (string | undefined)[] {
    const active = [...this.jobs.values()].filter((job) => job.status === undefined && !isNote(job));
    return active.map(({ metadata }) => metadata.annotations?.[annotations.image]);
  }

  /** People and metrics are told once. */
  #tellEnd(uid: string): void {
    assert.ok(!this.#told.has(uid), `the end of ${uid} was told twice`);
    this.#told.add(uid);
  }

  /** Whatever happens: one Job works on an image, and no more than may. */
  #assertBounds(): void {
    const images = this.atWork();
    assert.equal(new Set(images).size, images.length, `two Jobs work on one image: ${images}`);
    assert.ok(images.length <= 2, `${images.length} Jobs at once`);
  }

  /** Ends the first Job that works (on the image); what a build of a bad version makes is no good. */
  end(how: 'Complete' | 'Failed', on?: string): void {
    const job = [...this.jobs.values()].find(
      (job) =>
        !job.status &&
        !job.metadata.deletionTimestamp &&
        !isNote(job) &&
        (on ?? job.metadata.annotations?.[annotations.image]) === job.metadata.annotations?.[annotations.image],
    );
    if (job === undefined) return;
    const noted = job.metadata.annotations ?? {};
    const image = noted[annotations.image] ?? '';
    const step = job.metadata.labels?.[labels.buildType];
    const isLast = step === 'sign' || !wishes.some(({ recipe: { sign, image: of } }) => of === image && sign);
    this.#uid += 1;
    const digest = `sha256:${`${this.isGood ? 'c' : 'bad'}${this.#uid}`.padEnd(64, '0')}`;
    if (how === 'Complete' && isLast) this.registry.set(image, digest);
    const said = how === 'Complete' ? JSON.stringify({ digest }) : 'make: *** Error 2';
    this.jobs.set(job.metadata.name, {
      ...job,
      metadata: { ...job.metadata, annotations: { ...noted, said } },
      status:
        job.kind === 'Job'
          ? { conditions: [{ type: how, status: 'True' }] }
          : {
              phase: how,
              completionTimestamp: 'now',
              logSnippet: said,
              ...(how === 'Complete' && { output: { to: { imageDigest: digest } } }),
            },
    } as MakingObject);
  }

  /** The cache catches up, pods of Jobs that go are gone, and whoever is concerned is looked at. */
  async sync(): Promise<void> {
    // What was asked in the moment in which a Job ended is asked again in the next.
    await this.clock.advance(1);
    for (const [name, { metadata }] of this.jobs) if (metadata.deletionTimestamp) this.jobs.delete(name);
    this.#see();
    for (const { metadata } of this.#seen) this.due.add(metadata.annotations?.[annotations.image] ?? '');
    await this.lookAtAll();
  }

  /** Also when nothing happened, with a cache that has not caught up. */
  async lookAtAll(): Promise<void> {
    for (const { recipe: wished } of wishes) this.due.add(wished.image);
    await this.look();
  }

  async look(): Promise<void> {
    await settle();
    const looked = new Set<string>();
    for (;;) {
      // What is looked into beside all else wakes its image when that ends.
      if (this.due.size === 0) await settle();
      const [image] = this.due;
      if (image === undefined) return;
      this.due.delete(image);
      // What was asked in the moment in which a Job ended is asked again: no moment lasts for ever.
      if (looked.has(image)) await this.clock.advance(1);
      looked.add(image);
      try {
        await this.making.reconcile(image);
      } catch (error) {
        // As a controller does: it is tried again.
        if (!(error instanceof KubeError)) throw error;
      }
    }
  }

  /** A cache that lags by half a minute is one whose watch broke: it lists anew. */
  async wait(): Promise<void> {
    await this.clock.advance(20_000);
    if (this.clock.passed() - this.#seenMs > 25_000) await this.sync();
  }

  #see(): void {
    this.#seen = [...this.jobs.values()];
    this.#seenMs = this.clock.passed();
  }

  /** A program that starts lists before it decides anything. */
  restart(): void {
    this.#see();
    this.making.leave();
    this.making = this.#start();
    for (const { token, recipe: wished } of wishes) this.want(token, wished);
  }

  want(token: string, wished: ImageRecipe): void {
    this.making.want(token, [{ image: wished.image, tls, recipe: wished }]);
  }

  states(): string[] {
    return wishes.map(({ recipe: wished }) => this.making.state({ image: wished.image, tls, recipe: wished }).state);
  }
}

const events = {
  look: (world: World) => world.lookAtAll(),
  sync: (world: World) => world.sync(),
  succeed: (world: World) => world.end('Complete'),
  fail: (world: World) => world.end('Failed'),
  edit: (world: World) => {
    world.version += 1;
  },
  spoil: (world: World) => {
    world.isGood = !world.isGood;
  },
  wait: (world: World) => world.wait(),
  restart: (world: World) => world.restart(),
  'set the clock back': (world: World) => world.clock.setBack(3_600_000),
  'set the clock forward': (world: World) => world.clock.setForward(3_600_000),
  /** Of Builds, those that have not ended are given up. */
  'pass builds.timeout': async (world: World) => {
    await world.clock.advance(buildTimeoutMs);
    await world.sync();
  },
  'delete a Job by hand': (world: World) => {
    const [name] = world.jobs.keys();
    if (name !== undefined) world.jobs.delete(name);
  },
  'delete an image': (world: World) => {
    const [image] = world.registry.keys();
    if (image !== undefined) world.registry.delete(image);
  },
  forget: (world: World) => world.making.forget('b'),
  'go on undisturbed': async (world: World) => {
    for (let round = 0; round < 6; round += 1) {
      await world.sync();
      world.end('Complete');
    }
  },
} satisfies Record<string, (world: World) => unknown>;

describe('the life of images', () => {
  it('makes anew what a Job pushed at the moment when it was cancelled', async () => {
    const world = new World();
    world.restart();
    await world.lookAtAll();
    world.restart();
    world.version += 1;
    // The cache does not show it yet.
    world.isGood = false;
    world.end('Complete', wishes[2].recipe.image);
    await world.lookAtAll();
    world.isGood = true;
    await world.clock.advance(4 * 3_600_000);
    for (let round = 0; round < 8; round += 1) {
      await world.sync();
      world.end('Complete');
    }
    assert.equal(world.states()[2], 'Verified');
  });

  it('is one build and one signature, whatever the number of who want them', async () => {
    const world = new World();
    for (let index = 0; index < 1000; index += 1)
      for (const { recipe: wished } of wishes) world.want(`${wished.image}/${index}`, wished);
    for (let round = 0; round < 12; round += 1) {
      await world.sync();
      world.end('Complete');
    }
    await world.sync();
    assert.deepEqual(world.states(), ['Verified', 'Verified', 'Verified', 'Verified']);
    assert.equal(world.begun.length, 4, `two builds, one build and its signature: ${world.begun}`);
  });

  it('is one piece of work for two namespaces that want the same names, and as many at once as for one [163] [T8]', async () => {
    const first = new World();
    const worlds = [first, new World('Job', first)];
    for (const world of worlds) world.restart();
    for (let round = 0; round < 40; round += 1) {
      // Who comes first changes.
      for (const world of round % 2 === 0 ? worlds : worlds.toReversed()) {
        await world.sync();
        const images = worlds.flatMap((each) => each.atWork());
        assert.equal(new Set(images).size, images.length, `two Jobs work on one image: ${images}`);
        assert.ok(images.length <= 2, `${images.length} Jobs at once`);
        world.end('Complete');
      }
      await first.clock.advance(10_000);
    }
    for (const world of worlds) assert.deepEqual(new Set(world.states()), new Set(['Verified']));
    assert.equal(worlds.flatMap(({ begun }) => begun).length, 4, 'what one has made the other finds');
  });

  it('gives a Build up that gets no pod, frees its place, and begins it again after its back-off [76]', async () => {
    const world = new World('Build');
    world.restart();
    await world.sync();
    await world.sync();
    assert.deepEqual([world.begun.length, world.atWork().length], [2, 2], 'both places are taken');
    await world.clock.advance(buildTimeoutMs - 1);
    await world.sync();
    assert.equal(world.begun.length, 2);
    await world.clock.advance(1);
    await world.sync();
    assert.deepEqual(world.states().slice(0, 3), ['Failed', 'Failed', 'Failed']);
    // The third has had no place until now.
    await world.sync();
    assert.equal(world.begun.length, 3);
    await world.clock.advance(119_000);
    await world.sync();
    assert.equal(world.begun.length, 3);
    await world.clock.advance(2_000);
    await world.sync();
    assert.equal(world.begun.length, 4, 'one more has a place');
    for (let round = 0; round < 12; round += 1) {
      await world.sync();
      world.end('Complete');
    }
    assert.deepEqual(new Set(world.states()), new Set(['Verified']));
  });

  it('ends verified whatever happens on the way, with never two Jobs for one image, nor more than may [163] [T8] [T9]', async () => {
    const names = Object.keys(events) as (keyof typeof events)[];
    const kinds = constantFrom('Job' as const, 'Build' as const);
    await check(
      asyncProperty(
        array(constantFrom(...names), { maxLength: 40 }),
        kinds,
        boolean(),
        async (happened, buildKind, restartsOften) => {
          const world = new World(buildKind);
          world.restart();
          for (const name of happened) await events[name](world);
          // Of what lost its Job to a person nothing tells that its inputs changed: its image is his to delete, too.
          if (happened.includes('delete a Job by hand'))
            for (const [image, digest] of world.registry) if (digest.includes('bad')) world.registry.delete(image);
          // All is well from here on, and an edit repairs what was no good.
          world.isGood = true;
          world.version += 1;
          for (let round = 0; round < 40 && world.states().some((state) => state !== 'Verified'); round += 1) {
            await world.clock.advance(4 * 3_600_000);
            await world.sync();
            // At the worst moment: what was decided is half done, and the cache does not show it.
            if (restartsOften && round % 2 === 0) world.restart();
            world.end('Complete');
            await world.sync();
          }
          assert.deepEqual(
            world.states(),
            wishes.map(() => 'Verified'),
          );
          for (const digest of world.registry.values()) assert.ok(!digest.includes('bad'), `${digest} was let through`);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('makes anew what was no good, though the hub starts again between the former Job and the next, and leaves no note', async () => {
    const world = new World();
    const only = wishes[2];
    world.want(only.token, only.recipe);
    world.isGood = false;
    for (let round = 0; round < 4; round += 1) {
      await world.sync();
      world.end('Complete');
    }
    assert.equal(world.states()[2], 'Failed');
    world.isGood = true;
    world.version += 1;
    await world.sync();
    for (const [name, { metadata }] of world.jobs) if (metadata.deletionTimestamp) world.jobs.delete(name);
    assert.deepEqual(
      [...world.jobs.values()].map((job) => [isNote(job), job.status]),
      [[true, undefined]],
      'the former Job is gone, and a note of it is there',
    );
    world.restart();
    for (let round = 0; round < 8; round += 1) {
      await world.sync();
      world.end('Complete');
    }
    assert.equal(world.states()[2], 'Verified');
    await world.clock.advance(keepFinishedMs);
    await world.sync();
    await world.sync();
    assert.deepEqual([...world.jobs.values()].filter(isNote), []);
  });

  it('waits while somebody else has a name that it needs, says whose and what to do, and touches nothing of his', async () => {
    const only = wishes[2];
    const build = `m-build-${imageHash(only.recipe.image)}`;
    for (const name of [build, `kmm-made-anew-${imageHash(only.recipe.image)}`]) {
      const world = new World();
      world.want(only.token, only.recipe);
      const foreign = {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name, uid: 'theirs' },
        spec: {},
      } as MakingObject;
      world.jobs.set(name, foreign);
      if (name !== build) {
        await world.sync();
        world.version += 1;
      }
      const before = world.refused;
      for (let second = 0; second < 3600; second += 30) {
        await world.sync();
        await world.clock.advance(30_000);
      }
      const tries = world.refused - before;
      assert.ok(tries >= 10 && tries <= 20, `${tries} tries within an hour, of 120 looks`);
      const state = world.making.state({ image: only.recipe.image, tls, recipe: only.recipe });
      assert.ok(state.state === 'Failed' && state.reason === 'ForeignJob', JSON.stringify(state));
      assert.match(state.message, new RegExp(`Job kmm/${name} is none of ours.* kubectl -n kmm delete job ${name}$`));
      assert.equal(world.jobs.get(name), foreign);
      world.jobs.delete(name);
      for (let round = 0; round < 8; round += 1) {
        await world.clock.advance(300_000);
        await world.sync();
        world.end('Complete');
      }
      assert.equal(world.states()[2], 'Verified');
    }
  });

  it('is made anew for who is left, whichever module that wanted it goes', async () => {
    const world = new World();
    const only = wishes[2];
    for (const token of ['c', 'd']) world.want(token, only.recipe);
    await world.sync();
    await world.sync();
    world.version += 1;
    await world.lookAtAll();
    const owners = () =>
      [...world.jobs.values()]
        .filter(isNote)
        .map(({ metadata }) => metadata.ownerReferences?.map(({ uid, controller }) => [uid, controller]));
    const plain = (...uids: string[]) => [uids.map((uid) => [uid, undefined])];
    assert.deepEqual(owners(), plain('u-c', 'u-d'));
    world.want('e', only.recipe);
    await world.sync();
    assert.deepEqual(owners(), plain('u-c', 'u-d', 'u-e'), 'and who comes later owns it, too');
  });

  it('asks the registry once of what a Job did, though who noted that has a clock that is ahead', async () => {
    const world = new World();
    const only = wishes[2];
    world.want(only.token, only.recipe);
    await world.sync();
    world.end('Complete');
    world.registry.clear();
    const [job] = world.jobs.values();
    assert.ok(job);
    const at = new Date(world.clock.now() + 600_000).toISOString();
    const noted = {
      ...job.metadata.annotations,
      [annotations.result]: JSON.stringify({ at, reason: '', message: '' }),
    };
    world.jobs.set(job.metadata.name, { ...job, metadata: { ...job.metadata, annotations: noted } });
    world.restart();
    const before = world.asked;
    for (let round = 0; round < 5; round += 1) await world.sync();
    // Each start asks; what was noted for later is asked for once more.
    assert.ok(world.asked - before <= 6, `${world.asked - before} questions`);
    assert.equal(world.states()[2], 'Failed', 'the answer counts');
  });

  it('asks the registry of what a Job has just pushed, though the clock was set back since it asked before', async () => {
    const world = new World();
    const only = wishes[2];
    world.want(only.token, only.recipe);
    await world.sync();
    await world.sync();
    assert.equal(world.begun.length, 1);
    world.clock.setBack(3_600_000);
    world.end('Complete');
    for (let round = 0; round < 4; round += 1) await world.sync();
    assert.equal(world.states()[2], 'Verified');
  });

  it('begins as soon as no other namespace is at it, though the clock was set back since one was', async () => {
    const first = new World();
    const second = new World('Job', first);
    const only = wishes[2];
    const reasonOfSecond = () => {
      const state = second.making.state({ image: only.recipe.image, tls, recipe: only.recipe });
      return 'reason' in state ? state.reason : state.state;
    };
    first.want(only.token, only.recipe);
    await first.sync();
    await first.sync();
    second.want(only.token, only.recipe);
    await second.sync();
    assert.deepEqual([first.begun.length, reasonOfSecond()], [1, 'BuildQueued']);
    first.clock.setBack(3_600_000);
    first.jobs.clear();
    first.making.forget(only.token);
    await first.sync();
    for (let round = 0; round < 3; round += 1) await second.sync();
    assert.equal(second.begun.length, 1, reasonOfSecond());
  });

  it('keeps at a Job for a while when who wanted its image wants another: somebody else may want it still', async () => {
    const world = new World();
    const [, , one, other] = wishes;
    const isGoing = () =>
      [...world.jobs.values()].some(
        ({ metadata }) => metadata.annotations?.[annotations.image] === one.recipe.image && metadata.deletionTimestamp,
      );
    world.want('x', one.recipe);
    await world.sync();
    await world.sync();
    assert.deepEqual(world.atWork(), [one.recipe.image]);
    world.want('x', other.recipe);
    // Nothing happens to the former, whose pod may wait for a node: only the edit tells of it.
    await world.look();
    await world.clock.advance(4 * 60_000);
    await world.sync();
    assert.ok(!isGoing());
    await world.clock.advance(60_000);
    await world.sync();
    assert.ok(isGoing());
  });

  it('is told of when who wanted it wants another, and when to look again', async () => {
    const world = new World();
    const [, , one, other] = wishes;
    world.want('x', one.recipe);
    await world.sync();
    await world.sync();
    world.want('x', other.recipe);
    assert.deepEqual([...world.due], [one.recipe.image, other.recipe.image]);
    const outcome = await world.making.reconcile(one.recipe.image);
    assert.ok(outcome.kind === 'after' && outcome.delayMs <= 5 * 60_000, JSON.stringify(outcome));
  });

  it('is signed by one Job, though somebody deletes that of its build meanwhile [T8]', async () => {
    const world = new World();
    const [signed] = wishes;
    world.want('a', signed.recipe);
    for (let round = 0; round < 3 && world.begun.length < 2; round += 1) {
      await world.sync();
      await world.sync();
      if (world.begun.length < 2) world.end('Complete');
    }
    const [build, sign] = world.begun;
    assert.ok(build && sign);
    world.jobs.delete(build);
    for (let round = 0; round < 3; round += 1) await world.sync();
    assert.deepEqual([world.begun, world.states()[0]], [[build, sign], 'Signing']);
    world.end('Complete');
    for (let round = 0; round < 3; round += 1) await world.sync();
    assert.equal(world.states()[0], 'Verified');
  });
});
