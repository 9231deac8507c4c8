import assert from 'node:assert/strict';
import type { Module } from '@open-cluster-management/api-types';
import { parseReport } from '@open-cluster-management/api-types';
import type { ImageState } from '../../shared/images/look-up.ts';
import { annotations } from '../../shared/kube/names.ts';
import type { DaemonSet } from '../../shared/kube/object.ts';
import type { KnownImage } from '../images/wanted.ts';
import { buildModule, buildNode, kernelA, kernelB } from '../testing/builders.ts';
import { look, ownedDaemonSet, servingLoader, servingNode } from '../testing/picture.ts';
import { wantedImages } from './images.ts';
import type { ModulePicture } from './survey.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const moved = `sha256:${'b'.repeat(64)}`;
const tag = (kernel: string) => `example.com/simple:${kernel}`;
const building: ImageState = { state: 'Building', reason: 'ImageBuilding', message: 'its build is under way' };
const failed: ImageState = { state: 'Failed', reason: 'BuildFailed', message: 'build failed (attempt 1): Error 2' };

/** As `buildModule`, with a build; `mapping` is merged into the one that it has. */
function madeModule({ image, ...spec }: { image?: string } & Partial<Module['spec']> = {}): Module {
  const module = buildModule(spec);
  const container = module.spec.moduleLoader!.container;
  if (image !== undefined) container.kernelMappings[0]!.containerImage = image;
  return { ...module, spec: { ...module.spec, moduleLoader: { container: { ...container, build } } } };
}
const build = { dockerfileConfigMap: { name: 'dockerfile' } };

/** What is known once the making has answered for what the picture wants. */
function answered(overrides: Partial<ModulePicture>, states: Record<string, ImageState>): Partial<ModulePicture> {
  const images = new Map<string, KnownImage>();
  for (const wanted of wantedImages(look(overrides).seen)) {
    const state = states[wanted.kernel];
    if (state !== undefined) images.set(wanted.kernel, { wanted, state, hasJobs: false });
  }
  return { ...overrides, images };
}

const imagesOf = (daemonSets: readonly DaemonSet[]) =>
  daemonSets.map(({ spec }) => spec.template.spec?.containers[0]?.image);
const conditionOf = (status: ReturnType<typeof look>['status'], type: string) => {
  const { status: value, reason, message } = status?.conditions?.find((each) => each.type === type) ?? {};
  return `${value} ${reason}: ${message}`;
};
/** As the API server has what was decided. */
const written = (daemonSet: DaemonSet): DaemonSet => ({
  ...daemonSet,
  metadata: { ...daemonSet.metadata, ownerReferences: ownedDaemonSet().metadata.ownerReferences! },
});

describe('images that are made on this cluster', () => {
  const module = madeModule();
  const node = buildNode('n1');
  const pinned = written(
    look(answered({ module, nodes: [node] }, { [kernelA]: { state: 'Verified', digest } })).plan.daemonSets[0]!,
  );

  it('are not waited for where others make them: the name is used as it is', () => {
    const { plan, seen, status } = look({ nodes: [node] });
    assert.deepEqual([wantedImages(seen), imagesOf(plan.daemonSets)], [[], [tag(kernelA)]]);
    assert.equal(conditionOf(status, 'ImagesReady'), 'undefined undefined: undefined');
  });

  it('get no loader before they are verified, while other kernels go on [64] [81]', () => {
    const nodes = [node, buildNode('n2', { release: kernelB })];
    const states = { [kernelA]: building, [kernelB]: { state: 'Verified', digest } } as const;
    const { plan, status, seen } = look(answered({ module, nodes }, states));
    assert.deepEqual(imagesOf(plan.daemonSets), [`example.com/simple@${digest}`]);
    assert.match(conditionOf(status, 'Ready'), /^False ImageBuilding: kernel 6\.1\.0-17-amd64, image example\.com/);
    assert.match(conditionOf(status, 'ImagesReady'), /^False ImageBuilding/);
    assert.deepEqual(
      seen.targets.map(({ state }) => state),
      ['pending', 'pending'],
    );
    assert.equal(status?.moduleLoader?.desiredNumber, 2);
  });

  it('tell why they fail, in the conditions and for the hub [76]', () => {
    const { status, plan } = look(answered({ module, nodes: [node] }, { [kernelA]: failed }));
    assert.deepEqual(plan.daemonSets, []);
    assert.match(conditionOf(status, 'Ready'), /^False BuildFailed: .*Error 2/);
    const report = parseReport(status?.report ?? '');
    assert.match(JSON.stringify(report), /"errors":\[\{"node":"n1","kernel":"6\.1\.0-17-amd64","reason":"BuildFailed"/);
  });

  it('are asked for no more once a loader is pinned to them, and a moved tag moves nothing [62]', () => {
    const { seen, plan, status } = look({ module, nodes: [node], daemonSets: [pinned] });
    assert.deepEqual([wantedImages(seen), imagesOf(plan.daemonSets)], [[], [`example.com/simple@${digest}`]]);
    assert.match(conditionOf(status, 'ImagesReady'), /^True/);
    const known = answered({ module, nodes: [node] }, { [kernelA]: { state: 'Verified', digest: moved } });
    assert.deepEqual(imagesOf(look({ ...known, daemonSets: [pinned] }).plan.daemonSets), [
      `example.com/simple@${digest}`,
    ]);
  });

  it('stay wanted for the Jobs that are left of their making [77]', () => {
    const [wanted] = wantedImages(look({ module, nodes: [node] }).seen);
    const images = new Map([
      [kernelA, { wanted: wanted!, state: { state: 'Verified', digest } as const, hasJobs: true }],
    ]);
    assert.equal(wantedImages(look({ module, nodes: [node], daemonSets: [pinned], images }).seen).length, 1);
  });

  it('are looked at anew for another generation, while what runs goes on; the same content reloads nobody [78]', () => {
    const next = madeModule({ imageRebuildTriggerGeneration: 2 });
    const before = { module: next, nodes: [node], daemonSets: [pinned] };
    const looking = look(before);
    assert.equal(wantedImages(looking.seen)[0]?.generation, 2);
    assert.deepEqual(imagesOf(looking.plan.daemonSets), [`example.com/simple@${digest}`]);
    assert.equal(looking.status?.imageRebuildTriggerGeneration, undefined);
    const after = look(answered(before, { [kernelA]: { state: 'Verified', digest } }));
    assert.equal(after.status?.imageRebuildTriggerGeneration, 2);
    assert.deepEqual(after.plan.daemonSets[0]?.spec, pinned.spec);
    assert.match(after.plan.daemonSets[0]?.metadata.annotations?.[annotations.pinned] ?? '', /"generation":2/);
  });

  it('are looked at anew when they have to hold something else', () => {
    const sign = {
      keySecret: { name: 'key' },
      certSecret: { name: 'cert' },
      filesToSign: ['/opt/lib/modules/simple_kmod.ko'],
    };
    const container = { ...module.spec.moduleLoader!.container, sign };
    const signed = { ...module, spec: { ...module.spec, moduleLoader: { container } } };
    const { seen, plan } = look({ module: signed, nodes: [node], daemonSets: [pinned] });
    assert.equal(wantedImages(seen).length, 1);
    assert.deepEqual(imagesOf(plan.daemonSets), [`example.com/simple@${digest}`]);
  });

  it('are looked at anew for another architecture, which a pin of an older version does not say', () => {
    const note = { ...JSON.parse(pinned.metadata.annotations?.[annotations.pinned] ?? '') };
    const seenWith = (architecture: string | undefined) => {
      const text = JSON.stringify({ ...note, architecture });
      const metadata = {
        ...pinned.metadata,
        annotations: { ...pinned.metadata.annotations, [annotations.pinned]: text },
      };
      const { seen, plan } = look({ module, nodes: [node], daemonSets: [{ ...pinned, metadata }] });
      const written = plan.daemonSets[0]?.metadata.annotations?.[annotations.pinned] ?? '';
      return [wantedImages(seen).length, imagesOf(plan.daemonSets), JSON.parse(written).architecture];
    };
    const runs = [`example.com/simple@${digest}`];
    assert.equal(note.architecture, 'amd64');
    assert.deepEqual(seenWith('amd64'), [0, runs, 'amd64']);
    assert.deepEqual(seenWith(undefined), [0, runs, 'amd64']);
    assert.deepEqual(seenWith('arm64'), [1, runs, 'arm64']);
  });

  it('leave a loader of another image as it is until they are there', () => {
    const next = madeModule({ image: 'example.com/simple-2:1' });
    const { plan, seen, status } = look({
      module: next,
      nodes: [servingNode('n1')],
      daemonSets: [pinned],
      pods: [servingLoader('n1')],
    });
    assert.deepEqual([plan.daemonSets, plan.discard, plan.mark, plan.remove, plan.unload], [[], [], [], [], []]);
    assert.deepEqual([seen.targets[0]?.loaded, seen.targets[0]?.state], [false, 'pending']);
    assert.match(conditionOf(status, 'Ready'), /^False ImageChecking/);
  });

  it('of a loader that runs by its tag since before there were pins are taken as they are: nobody is reloaded for an update of ours', () => {
    const written = ownedDaemonSet(module);
    const before = { ...written, metadata: { ...written.metadata, annotations: {} } };
    const running = {
      module,
      nodes: [servingNode('n1')],
      daemonSets: [before],
      pods: [servingLoader('n1', {}, module)],
    };
    const { plan, seen, status } = look(running);
    assert.deepEqual([wantedImages(seen), plan.daemonSets[0]?.spec], [[], before.spec]);
    assert.match(
      plan.daemonSets[0]?.metadata.annotations?.[annotations.pinned] ?? '',
      /"pinned":"example\.com\/simple:/,
    );
    assert.match(conditionOf(status, 'Ready'), /^True/);
    const failing = look({ ...running, nodes: [node] });
    assert.equal(wantedImages(failing.seen).length, 1, 'what does not run may be missing');
  });

  it('are asked for when a Module that others made the image of says that it is to be made: what runs was never looked at', () => {
    const nodes = [servingNode('n1')];
    const pods = [servingLoader('n1', {}, module)];
    const { seen, status } = look({ module, nodes, daemonSets: [ownedDaemonSet(module)], pods });
    assert.equal(wantedImages(seen).length, 1);
    assert.doesNotMatch(conditionOf(status, 'ImagesReady'), /^True/);
  });

  it('believe no note that names another repository', () => {
    const note = { ...JSON.parse(pinned.metadata.annotations?.[annotations.pinned] ?? '') };
    for (const other of [`evil.example/simple@${digest}`, 'example.com/simple:other', 'example.com/simple@x']) {
      const text = JSON.stringify({ ...note, pinned: other });
      const metadata = { ...pinned.metadata, annotations: { [annotations.pinned]: text } };
      const { seen, plan } = look({ module, nodes: [node], daemonSets: [{ ...pinned, metadata }] });
      assert.deepEqual([wantedImages(seen).length, plan.daemonSets], [1, []], other);
    }
  });

  it('say what is wrong in what they are made from, and want nothing then', () => {
    const wrong = madeModule({ image: `example.com/simple@${digest}` });
    const { seen, status } = look({ module: wrong, nodes: [node] });
    assert.deepEqual(wantedImages(seen), []);
    assert.match(status?.report ?? '', /RecipeInvalid/);
  });

  it('are built for the architecture of the nodes where the kernel does not name it', () => {
    const bare = buildNode('n1', { release: '6.1.0-17' });
    Object.assign(bare.status!.nodeInfo!, { architecture: 'arm64' });
    const anyKernel = madeModule();
    anyKernel.spec.moduleLoader!.container.kernelMappings[0]!.regexp = '^.+$';
    const [wanted] = wantedImages(look({ module: anyKernel, nodes: [bare] }).seen);
    assert.equal(wanted?.request.recipe.architecture, 'arm64');
  });

  it('are built for the architecture of the nodes that the Module selects, which has to be one', () => {
    const machine = (name: string, architecture: string, labels: Record<string, string>) => {
      const made = buildNode(name, { release: '6.1.0-17' });
      Object.assign(made.status!.nodeInfo!, { architecture });
      Object.assign(made.metadata.labels!, labels);
      return made;
    };
    const anyKernel = madeModule();
    anyKernel.spec.moduleLoader!.container.kernelMappings[0]!.regexp = '^.+$';
    const nodes = [machine('n1', 'arm64', { kind: 'a' }), machine('n2', 'amd64', { kind: 'b' })];
    const mixed = look({ module: anyKernel, nodes });
    assert.deepEqual(wantedImages(mixed.seen), []);
    assert.match(JSON.stringify(mixed.status), /nodes of amd64 and arm64 run kernel 6\.1\.0-17/);
    anyKernel.spec.selector = { kind: 'b' };
    const [wanted] = wantedImages(look({ module: anyKernel, nodes }).seen);
    assert.equal(wanted?.request.recipe.architecture, 'amd64');
  });
});
