import assert from 'node:assert/strict';
import fc from 'fast-check';
import { stepOfModule, stepOfWork } from './decide.ts';
import type { WorkPicture } from './picture.ts';

/** A cluster with its work, and what its agent knows: whether the Module belongs to the work. */
interface Cluster {
  reachable: boolean;
  work: (Pick<WorkPicture, 'owned' | 'told' | 'terminating'> & { generation: number; applied: number }) | undefined;
  module: 'belongs' | 'stays' | 'removed';
}

interface World {
  module:
    | { policy: 'Delete' | 'Orphan'; leaving: boolean; held: boolean; forced: boolean; foreground: boolean }
    | undefined;
  clusters: Cluster[];
  /** When the object began to go, its Modules were to stay, and no work had an owner any more. */
  promised: boolean;
}

function seen({ reachable, work }: Cluster, index: number): WorkPicture[] {
  if (work === undefined) return [];
  const applied = work.applied === work.generation ? 'True' : 'Unknown';
  const ownership = work.owned ? 'ours' : 'adoptable';
  return [{ cluster: `c${index}`, ...work, ownership, applied, appliedMessage: '', written: true, reachable }];
}

/** OCM's agent, as recorded: it decides whom a Module belongs to while it applies, and applies nothing that is being deleted. */
function agent(cluster: Cluster): void {
  const { work, reachable } = cluster;
  if (!reachable || work === undefined) return;
  if (work.terminating) {
    if (cluster.module === 'belongs') cluster.module = 'removed';
    cluster.work = undefined;
    return;
  }
  if (cluster.module !== 'removed') cluster.module = work.told ? 'stays' : 'belongs';
  work.applied = work.generation;
}

function terminate(work: NonNullable<Cluster['work']>): void {
  if (work.terminating) return;
  work.terminating = true;
  work.generation++;
}

/** Takes what has an owner when that is gone, or is deleted in the foreground. */
function collector({ module, clusters }: World): void {
  if (module !== undefined && !(module.leaving && module.foreground)) return;
  for (const { work } of clusters) if (work?.owned) terminate(work);
}

function hubOnWork(world: World, index: number): void {
  const cluster = world.clusters[index]!;
  const [picture] = seen(cluster, index);
  const { work } = cluster;
  if (picture === undefined || work === undefined) return;
  const step = stepOfWork(world.module, picture);
  if (step === 'delete') {
    if (world.promised) assert.equal(cluster.module, 'stays', 'deleted before its agent had let the Module stay');
    terminate(work);
  } else if (step !== 'keep') {
    const told = step === 'tell' || (step === 'release' && work.told);
    if (told !== work.told) work.generation++;
    Object.assign(work, { told, owned: step === 'own' });
  }
}

function hubOnModule(world: World): void {
  const { module, clusters } = world;
  if (module === undefined) return;
  const step = stepOfModule({ ...module, works: clusters.flatMap(seen) });
  if (module.policy === 'Orphan' && !module.leaving) module.held = true;
  if (step.kind !== 'letGo') return;
  const left = clusters.filter(({ work }) => work !== undefined);
  if (module.policy === 'Orphan') {
    if (!module.forced) assert.equal(left.length, 0, 'it went before its works');
    assert.equal(step.unconfirmed.length, left.length, 'what was not confirmed is named');
  }
  module.held = false;
}

/** The server: a deleted object goes when nothing holds it. */
function server(world: World): void {
  const { module } = world;
  if (module?.leaving && !module.held) world.module = undefined;
}

type Move = (world: World) => void;
const at = fc.nat({ max: 2 });
const moves: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: at.map(
      (index): Move =>
        (world) =>
          hubOnWork(world, index),
    ),
  },
  {
    weight: 3,
    arbitrary: at.map(
      (index): Move =>
        (world) =>
          agent(world.clusters[index]!),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Move>(hubOnModule) },
  { weight: 2, arbitrary: fc.constant<Move>(collector) },
  { weight: 2, arbitrary: fc.constant<Move>(server) },
  at.map(
    (index): Move =>
      ({ clusters }) => {
        clusters[index]!.reachable = !clusters[index]!.reachable;
      },
  ),
  fc.constantFrom('Orphan', 'Delete').map(
    (policy): Move =>
      ({ module }) => {
        if (module !== undefined && !module.leaving) module.policy = policy as 'Orphan' | 'Delete';
      },
  ),
  fc.boolean().map(
    (forced): Move =>
      ({ module }) => {
        if (module !== undefined) module.forced = forced;
      },
  ),
  fc.boolean().map(
    (foreground): Move =>
      (world) => {
        const { module, clusters } = world;
        if (module === undefined || module.leaving) return;
        world.promised = module.policy === 'Orphan' && module.held && clusters.every(({ work }) => !work?.owned);
        Object.assign(module, { leaving: true, foreground });
      },
  ),
);

const walks = fc.array(moves, { maxLength: 40 });

/** All are there and look until nothing changes. */
function settle(world: World): void {
  for (const cluster of world.clusters) cluster.reachable = true;
  for (let round = 0; round < 10; round++) {
    hubOnModule(world);
    server(world);
    collector(world);
    for (const index of world.clusters.keys()) {
      hubOnWork(world, index);
      agent(world.clusters[index]!);
    }
  }
}

/** `fresh`: its finalizer is not there yet, and its works have their owner. */
function start(fresh: boolean): World {
  const cluster = (): Cluster => ({
    reachable: true,
    work: { owned: fresh, told: false, terminating: false, generation: 1, applied: 1 },
    module: 'belongs',
  });
  return {
    module: { policy: 'Orphan', leaving: false, held: !fresh, forced: false, foreground: false },
    clusters: [cluster(), cluster(), cluster()],
    promised: false,
  };
}

describe('whatever happens to a ManagedClusterModule that leaves its Modules behind', () => {
  it('no Module goes, none is held for ever, and what was not confirmed is named', () => {
    let kept = 0;
    fc.assert(
      fc.property(fc.boolean(), walks, (fresh, walk) => {
        const world = start(fresh);
        for (const move of walk) move(world);
        settle(world);
        if (world.module !== undefined) return;
        assert.ok(world.clusters.every(({ work }) => work === undefined));
        if (!world.promised) return;
        kept++;
        assert.deepEqual(
          world.clusters.map(({ module }) => module),
          ['stays', 'stays', 'stays'],
        );
      }),
      { numRuns: 3_000 },
    );
    assert.ok(kept > 50, `expected the promise to have been given often, got ${kept} times`);
  });

  it('one that lives is at rest: its works have what its policy asks for', () => {
    fc.assert(
      fc.property(fc.boolean(), walks, (fresh, walk) => {
        const world = start(fresh);
        for (const move of walk) move(world);
        settle(world);
        const { module } = world;
        if (module === undefined) return;
        assert.equal(module.leaving, false);
        assert.equal(module.held, module.policy === 'Orphan');
        for (const { work, module: there } of world.clusters) {
          assert.deepEqual([work?.owned, work?.told, there], [module.policy === 'Delete', false, 'belongs']);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
