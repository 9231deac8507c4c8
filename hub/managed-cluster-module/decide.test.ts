import assert from 'node:assert/strict';
import type { KernelMapping, ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import { canonicalJson } from '../../shared/core/hash.ts';
import { annotations } from '../../shared/kube/names.ts';
import {
  answered,
  cluster,
  digest,
  edited,
  images,
  modulePicture,
  moduleSpec,
  nowText,
  picture,
  presentWork,
  revision,
  spokeNamespace,
  variable,
} from '../testing/pictures.ts';
import { type Decision, decide } from './decide.ts';
import type { ClusterPicture } from './picture.ts';
import { reasons } from './reasons.ts';
import { mappingsIn, viewWork } from './work.ts';

const [k5, k6] = ['5.14.0-1', '6.1.0-2'];
const image5 = `quay.io/org/a:${k5}`;
const image6 = `quay.io/org/b:${k6}`;
const missing = { state: 'Missing', message: 'is not in the registry' } as const;
/** Some registries say this of what does not exist (contract 8). */
const denied = { state: 'Unknown', reason: 'AccessDenied', message: '401' } as const;
const unavailable = { state: 'Unknown', reason: 'RegistryUnavailable', message: 'no answer' } as const;

function written(decision: Decision): ManifestWork {
  assert.equal(decision.action.kind, 'write', JSON.stringify(decision.waiting));
  return (decision.action as { work: ManifestWork }).work;
}

function shipped(decision: Decision): Record<string, string> {
  const spec = viewWork(written(decision), spokeNamespace).spec;
  return Object.fromEntries(mappingsIn(spec).map(({ literal, containerImage }) => [literal, containerImage]));
}

const waits = (decision: Decision) => decision.waiting.map(({ reason }) => reason);

/** The cluster's work as written by `before`, seen again. */
function again(before: ClusterPicture, change: Partial<ClusterPicture> = {}): ClusterPicture {
  const work = written(decide(before));
  return { ...before, work: presentWork(work, { revision: before.module.current }), ...change };
}

describe('the first work of a cluster', () => {
  it('maps each kernel that the cluster claims to its image by digest, and nothing else [142] [148] [150]', () => {
    const decision = decide(picture({ cluster: cluster({ kernels: [`${k5}+`, k6, '4.18.0-3'] }) }));
    assert.deepEqual(shipped(decision), {
      [k5]: `quay.io/org/a@${digest(image5)}`,
      [k6]: `quay.io/org/b@${digest(image6)}`,
    });
    assert.deepEqual(decision.waiting, []);
    assert.equal(decision.notices[0]?.reason, reasons.noMapping);
    assert.match(decision.notices[0]?.message ?? '', /4\.18\.0-3/);
  });

  for (const state of [missing, unavailable, { state: 'Checking' } as const]) {
    it(`waits while one of its images is ${state.state}, and names kernel and image [145]`, () => {
      const decision = decide(
        picture({
          module: modulePicture({ images: images({ [image6]: state }) }),
          cluster: cluster({ kernels: [k5, k6] }),
        }),
      );
      assert.equal(decision.action.kind, 'keep');
      assert.equal(decision.waiting.length, 1);
      assert.match(decision.waiting[0]?.message ?? '', new RegExp(`kernel ${k6}, image ${image6}`));
    });
  }

  for (const state of ['Building', 'Signing', 'Failed'] as const) {
    it(`waits while one of its images is ${state}, and says why [145]`, () => {
      const found = { state, reason: `Image${state}`, message: 'make: *** [all] Error 2' };
      const decision = decide(picture({ module: modulePicture({ images: images({ [image5]: found }) }) }));
      assert.equal(decision.action.kind, 'keep');
      assert.deepEqual(waits(decision), [`Image${state}`]);
      assert.match(decision.waiting[0]?.message ?? '', /Error 2/);
    });
  }

  it('says what is wrong with how a missing image would be made, before anything is made [221]', () => {
    const spec = moduleSpec();
    const container = spec.moduleLoader!.container;
    const build = { dockerfileConfigMap: { name: '../d' } };
    const built = { ...spec, moduleLoader: { container: { ...container, build } } } as ModuleSpec;
    const current = revision('m-1', built);
    const decision = decide(picture({ module: modulePicture({ current, images: images({ [image5]: missing }) }) }));
    assert.deepEqual(waits(decision), ['RecipeInvalid']);
    assert.match(decision.waiting[0]?.message ?? '', /build\.dockerfileConfigMap/);
    const there = decide(picture({ module: modulePicture({ current, images: images() }) }));
    assert.equal(there.action.kind, 'write', 'an image that is there needs nobody to make it');
  });

  it('is never one with empty mappings: no kernel mapped, no work, and the kernel is named [T2]', () => {
    const decision = decide(picture({ cluster: cluster({ kernels: ['4.18.0-3'] }) }));
    assert.equal(decision.action.kind, 'keep');
    assert.deepEqual(waits(decision), [reasons.noMapping]);
  });

  it('is skipped without the claim, and the cluster says why', () => {
    const decision = decide(picture({ cluster: cluster({ kernels: undefined }) }));
    assert.equal(decision.action.kind, 'keep');
    assert.deepEqual(waits(decision), [reasons.noKernelClaim]);
  });

  it('of a module without loader needs no kernel and has no mappings [T3]', () => {
    const spec: ModuleSpec = { selector: {}, devicePlugin: { container: { image: 'p:1' } } };
    const decision = decide(
      picture({ module: modulePicture({ current: revision('m-1', spec) }), cluster: cluster({ kernels: undefined }) }),
    );
    assert.deepEqual(viewWork(written(decision), spokeNamespace).spec, spec);
    assert.deepEqual(decision.waiting, []);
  });

  it('names the spoke namespace and the module in image variables [T5]', () => {
    const spec = moduleSpec();
    const kernelMappings = [
      { regexp: '^5', containerImage: `quay.io/${variable('MOD_NAMESPACE')}/${variable('MOD_NAME')}:1` },
    ];
    const loader = { container: { ...spec.moduleLoader!.container, kernelMappings } };
    const named = { ...spec, moduleLoader: loader } as ModuleSpec;
    const decision = decide(picture({ module: modulePicture({ current: revision('m-1', named) }) }));
    assert.deepEqual(decision.plans[0]?.request?.image, `quay.io/${spokeNamespace}/m:1`);
    assert.match(shipped(decision)[k5] ?? '', new RegExp(`^quay.io/${spokeNamespace}/m@sha256:`));
  });

  it('ships names as given with imageCheck Skip, and waits for nothing', () => {
    const skipping = { ...images({ [image5]: missing }), imageCheck: 'Skip' as const };
    assert.deepEqual(shipped(decide(picture({ module: modulePicture({ images: skipping }) }))), { [k5]: image5 });
  });

  it('serves the other kernels when a mapping is wrong, and stays incomplete', () => {
    const spec = moduleSpec();
    const container = spec.moduleLoader!.container;
    const kernelMappings = [container.kernelMappings[0], { regexp: '(', containerImage: 'x:1' }];
    const wrong = { ...spec, moduleLoader: { container: { ...container, kernelMappings } } } as ModuleSpec;
    const decision = decide(
      picture({ module: modulePicture({ current: revision('m-1', wrong) }), cluster: cluster({ kernels: [k5, k6] }) }),
    );
    assert.deepEqual(Object.keys(shipped(decision)), [k5]);
    assert.deepEqual(waits(decision), [reasons.mappingError]);
  });
});

describe('clusters', () => {
  it('get their own kernels each, from one spec that nothing changes [149] [T1]', () => {
    const module = modulePicture();
    const before = canonicalJson(module.current?.moduleSpec);
    const one = decide(picture({ module, cluster: cluster({ name: 'c1', kernels: [k5] }) }));
    const two = decide(picture({ module, cluster: cluster({ name: 'c2', kernels: [k6] }) }));
    assert.deepEqual(Object.keys(shipped(one)), [k5]);
    assert.deepEqual(Object.keys(shipped(two)), [k6]);
    assert.equal(canonicalJson(module.current?.moduleSpec), before);
  });

  it('that leave the selector lose their work, also while they cannot be reached [155]', () => {
    const left = again(picture(), { selected: false, cluster: cluster({ available: 'Unknown' }) });
    assert.equal(decide(left).action.kind, 'delete');
    assert.equal(decide({ ...left, cluster: undefined }).action.kind, 'delete');
  });

  it('keep one that an earlier module of the name left, until it is confirmed that its Module stays', () => {
    const left = again(picture(), { selected: false });
    left.work = { ...left.work!, unconfirmed: true };
    assert.equal(decide(left).action.kind, 'keep');
    assert.equal(decide({ ...left, selected: true }).action.kind, 'write', 'who selects the cluster takes it over');
  });

  it('that are being detached are left to OCM', () => {
    const seen = cluster({ kernels: [k5, k6] });
    const leaving = again(picture(), { cluster: { ...seen, leaving: true } });
    assert.equal(decide(leaving).action.kind, 'keep');
    assert.equal(decide(picture({ cluster: { ...seen, leaving: true } })).action.kind, 'keep');
  });

  it('that were never selected, or have a work of someone else, lose nothing [T29]', () => {
    assert.equal(decide(picture({ selected: false })).action.kind, 'keep');
    const foreign = again(picture());
    foreign.work = { ...foreign.work!, ownership: 'foreign' };
    assert.equal(decide({ ...foreign, selected: false }).action.kind, 'keep');
    const decision = decide(foreign);
    assert.equal(decision.action.kind, 'keep');
    assert.deepEqual(waits(decision), [reasons.foreignWork]);
  });

  it('whose work is being deleted wait for its end', () => {
    const terminating = again(picture());
    terminating.work = { ...terminating.work!, terminating: true };
    assert.equal(decide(terminating).action.kind, 'keep');
    assert.deepEqual(waits(decide(terminating)), [reasons.terminating]);
    assert.equal(decide({ ...terminating, selected: false }).action.kind, 'keep');
  });

  it('that cannot be reached get nothing new and keep what they have', () => {
    const decision = decide(picture({ cluster: cluster({ available: 'Unknown' }) }));
    assert.equal(decision.action.kind, 'keep');
    assert.deepEqual(waits(decision), [reasons.unreachable]);
    const moved = again(picture(), { cluster: cluster({ available: 'False', kernels: [k5, k6] }) });
    assert.equal(decide(moved).action.kind, 'keep');
  });
});

describe('a work at the current revision', () => {
  it('is wanted exactly as it is, whenever one looks', () => {
    const before = picture();
    const later = again(before, { nowText: '2027-01-01T00:00:00Z' });
    assert.deepEqual(written(decide(later)), written(decide(before)));
  });

  it('gets a new kernel as soon as its image is verified, beside the mappings that it has [154]', () => {
    const later = again(picture(), { cluster: cluster({ kernels: [k5, k6] }), nowText: '2026-02-01T00:00:00Z' });
    const decision = decide(later);
    assert.deepEqual(Object.keys(shipped(decision)), [k5, k6]);
    assert.equal(written(decision).metadata.annotations?.[annotations.updatedAt], '2026-02-01T00:00:00Z');
    assert.equal(written(decision).metadata.annotations?.[annotations.startedAt], nowText);
    const waiting = decide({ ...later, module: modulePicture({ images: images({ [image6]: missing }) }) });
    assert.deepEqual(Object.keys(shipped(waiting)), [k5]);
    assert.deepEqual(waits(waiting), [reasons.imageMissing]);
  });

  it('never has more mappings than a Module takes: kernels that nobody runs any more give way', () => {
    const numbered = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => `5.14.0-${from + index}`);
    let now = picture({ cluster: cluster({ kernels: numbered(1000, 1) }) });
    for (let from = 1000; from < 1320; from += 40)
      now = again(now, { cluster: cluster({ kernels: numbered(from, 40) }) });
    const kernels = Object.keys(shipped(decide(now)));
    assert.equal(kernels.length, 256);
    for (const kernel of numbered(1280, 40)) assert.ok(kernels.includes(kernel));
  });

  it('keeps its mappings when the claim vanishes, the registry is down, or a tag moved', () => {
    const moved = { state: 'Verified', digest: digest('another') } as const;
    const before = again(picture());
    for (const state of [unavailable, missing, moved]) {
      const module = { ...before.module, images: images({ [image5]: state }) };
      assert.deepEqual(written(decide({ ...before, module })), written(decide(picture())), state.state);
    }
    const silent = decide({ ...before, cluster: cluster({ kernels: undefined }) });
    assert.deepEqual(written(silent), written(decide(picture())));
    assert.deepEqual(
      silent.notices.map(({ reason }) => reason),
      [reasons.noKernelClaim],
    );
  });

  it('takes in kernels that the report names, if they are kernels', () => {
    const before = again(picture());
    const loads = { [k5]: [1, 1, 0, 0], '5.14.0-7': [1, 0, 0, 0], '5.14.0-8': [0, 0, 0, 0] };
    const report = { v: 1, nodes: [2, 1, 0, 0], kernels: loads, unmapped: [k6, '$(reboot)'] };
    const work = answered(written(decide(picture())), { report: JSON.stringify(report) });
    const decision = decide({ ...before, work: presentWork(work, { revision: before.module.current }) });
    assert.deepEqual(Object.keys(shipped(decision)), [k5, '5.14.0-7', k6]);
  });

  it('that somebody edited is put back [158]', () => {
    const before = again(picture({ cluster: cluster({ kernels: [k5, k6] }) }));
    const original = written(decide(before));
    const edits: ((spec: ModuleSpec) => void)[] = [
      (spec) => Object.assign(spec.selector, { hacked: 'yes' }),
      (spec) => mappingsOf(spec).splice(0, 1),
      (spec) => Object.assign(mappingsOf(spec)[0]!, { containerImage: 'evil.example/x:1' }),
      (spec) => mappingsOf(spec).push({ literal: '9.9.9', containerImage: 'x:1' }),
    ];
    for (const edit of edits) {
      const work = presentWork(edited(original, edit), { revision: before.module.current });
      assert.deepEqual(written(decide({ ...before, work })), original);
    }
  });

  it('that was edited is not put back by halves while an image of it cannot be verified', () => {
    const before = again(picture({ cluster: cluster({ kernels: [k5, k6] }) }));
    const changed = edited(written(decide(before)), (spec) => Object.assign(spec.selector, { a: 'b' }));
    const module = { ...before.module, images: images({ [image6]: unavailable }) };
    const decision = decide({ ...before, module, work: presentWork(changed, { revision: module.current }) });
    assert.equal(decision.action.kind, 'keep');
    assert.deepEqual(waits(decision), ['RegistryUnavailable']);
    const unclaimed = { module, cluster: cluster({ kernels: [k5] }) };
    const silent = decide({ ...before, ...unclaimed, work: presentWork(changed, { revision: module.current }) });
    assert.equal(silent.action.kind, 'keep');
    assert.deepEqual(waits(silent), ['RegistryUnavailable'], 'what keeps the edit is named');
  });

  it('that was edited is put back without a kernel that nobody runs and whose image is gone', () => {
    const before = again(picture({ cluster: cluster({ kernels: [k5, k6] }) }));
    const changed = edited(written(decide(before)), (spec) => Object.assign(spec.selector, { a: 'b' }));
    for (const state of [missing, denied]) {
      const module = { ...before.module, images: images({ [image6]: state }) };
      const work = presentWork(changed, { revision: module.current });
      const decision = decide({ ...before, module, cluster: cluster({ kernels: [k5] }), work });
      assert.deepEqual(Object.keys(shipped(decision)), [k5]);
    }
  });
});

function mappingsOf(spec: ModuleSpec): KernelMapping[] {
  return spec.moduleLoader!.container.kernelMappings;
}

describe('an invalid spec', () => {
  const hold = { reason: reasons.invalidSpec, message: 'spec.x: wrong' };

  it('keeps what the cluster has, and serves its new kernels by the version that it has', () => {
    const before = again(picture());
    const module = modulePicture({ current: undefined, hold });
    const decision = decide({ ...before, module, cluster: cluster({ kernels: [k5, k6] }) });
    assert.deepEqual(Object.keys(shipped(decision)), [k5, k6]);
    assert.deepEqual(waits(decision), [reasons.invalidSpec]);
    assert.equal(decide(picture({ module })).action.kind, 'keep');
  });

  it('that does not say the namespace touches nothing', () => {
    const module = modulePicture({ current: undefined, hold, spokeNamespace: '' });
    const decision = decide({ ...again(picture()), module, cluster: cluster({ kernels: [k5, k6] }) });
    assert.equal(decision.action.kind, 'keep');
    assert.deepEqual(waits(decision), [reasons.invalidSpec]);
  });
});

describe('a change of revision', () => {
  const next = revision('m-2', moduleSpec({ tolerations: [{ operator: 'Exists' }] }));
  const both = () => again(picture({ cluster: cluster({ kernels: [k5, k6] }) }));

  it('moves the work with all its kernels at once, revision and state and time together', () => {
    const decision = decide({ ...both(), module: modulePicture({ current: next }), nowText: '2026-02-01T00:00:00Z' });
    const work = written(decision);
    assert.deepEqual(Object.keys(shipped(decision)), [k5, k6]);
    assert.equal(work.metadata.annotations?.[annotations.revision], 'm-2');
    assert.equal(work.metadata.annotations?.[annotations.updatedAt], '2026-02-01T00:00:00Z');
    assert.equal(viewWork(work, spokeNamespace).genuine, true);
    assert.deepEqual(decision.waiting, []);
  });

  it('waits for every kernel that runs there; meanwhile the old state stays and gets new kernels', () => {
    const before = both();
    const stateOf: typeof before.module.images.stateOf = ({ name }, { image }) =>
      name === 'm-2' && image === image6 ? missing : { state: 'Verified', digest: digest(image) };
    const module = { ...modulePicture({ current: next }), images: { ...images(), stateOf } };
    const decision = decide({ ...before, module, cluster: cluster({ kernels: [k5, k6, '5.14.0-2'] }) });
    assert.equal(written(decision).metadata.annotations?.[annotations.revision], 'm-1');
    assert.deepEqual(Object.keys(shipped(decision)), [k5, '5.14.0-2', k6].sort());
    assert.deepEqual(waits(decision), [reasons.imageMissing]);
  });

  it('does not wait for the image of a kernel that no node claims any more', () => {
    for (const state of [missing, denied]) {
      const without = modulePicture({ current: next, images: images({ [image6]: state }) });
      const decision = decide({ ...both(), module: without, cluster: cluster({ kernels: [k5] }) });
      assert.deepEqual(Object.keys(shipped(decision)), [k5]);
    }
    const module = modulePicture({ current: next, images: images({ [image6]: missing }) });
    const doubtful = decide({ ...both(), module, cluster: cluster({ kernels: undefined }) });
    assert.equal(written(doubtful).metadata.annotations?.[annotations.revision], 'm-1');
    const unsure = modulePicture({ current: next, images: images({ [image6]: unavailable }) });
    const later = decide({ ...both(), module: unsure, cluster: cluster({ kernels: [k5] }) });
    assert.equal(written(later).metadata.annotations?.[annotations.revision], 'm-1');
  });

  it('takes no driver away because of a wrong mapping', () => {
    const wrong = moduleSpec();
    wrong.moduleLoader!.container.kernelMappings[1]!.regexp = '(';
    const decision = decide({ ...both(), module: modulePicture({ current: revision('m-2', wrong) }) });
    assert.equal(written(decision).metadata.annotations?.[annotations.revision], 'm-1');
    assert.deepEqual(waits(decision), [reasons.mappingError]);
  });

  it('waits while it is held, and new kernels are still added', () => {
    const hold = { reason: reasons.paused, message: 'not yet' };
    const module = modulePicture({ current: next, hold });
    const decision = decide({ ...both(), module, cluster: cluster({ kernels: [k5, k6, '5.14.0-2'] }) });
    assert.equal(written(decision).metadata.annotations?.[annotations.revision], 'm-1');
    assert.equal(Object.keys(shipped(decision)).length, 3);
    assert.deepEqual(waits(decision), [reasons.paused]);
    assert.equal(decide(picture({ module })).action.kind, 'keep');
  });

  it('waits for its turn with everything that it needs at hand, serves new kernels meanwhile, and then moves', () => {
    const module = modulePicture({ current: next });
    const turned = { ...both(), module, mayStart: false, cluster: cluster({ kernels: [k5, k6, '5.14.0-2'] }) };
    const decision = decide(turned);
    assert.equal(written(decision).metadata.annotations?.[annotations.revision], 'm-1');
    assert.equal(Object.keys(shipped(decision)).length, 3);
    assert.deepEqual([waits(decision), decision.startable], [[reasons.notItsTurn], true]);
    const first = decide(picture({ module, mayStart: false }));
    assert.deepEqual([first.action.kind, first.startable], ['keep', true]);
    const moved = decide({ ...turned, mayStart: true });
    assert.equal(written(moved).metadata.annotations?.[annotations.revision], 'm-2');
    const hindered = decide(
      picture({ module: modulePicture({ images: images({ [image5]: missing }) }), mayStart: false }),
    );
    assert.deepEqual([hindered.startable, waits(hindered)], [false, [reasons.imageMissing]]);
  });

  it('ships a kernel that its nodes will boot once it is verified, and waits for none that it has not', () => {
    const ahead = '6.1.0-9';
    const image9 = `quay.io/org/b:${ahead}`;
    const upcoming = [ahead];
    const open = modulePicture({ images: images({ [image9]: { state: 'Checking' } }) });
    const first = decide(picture({ module: open, upcoming }));
    assert.deepEqual(Object.keys(shipped(first)), [k5]);
    assert.deepEqual([waits(first), first.plans.some(({ kernel }) => kernel === ahead)], [[], true]);
    const work = presentWork(written(first), { revision: revision() });
    const grown = decide(picture({ work, upcoming }));
    assert.deepEqual(Object.keys(shipped(grown)).sort(), [k5, ahead]);
    // Once it has it, a change of version does not take it away while the new image is being looked up.
    const has = presentWork(written(grown), { revision: revision() });
    const next9 = modulePicture({ current: revision('m-2', moduleSpec({ tolerations: [] })), images: open.images });
    assert.equal(
      written(decide(picture({ module: next9, work: has, upcoming }))).metadata.annotations?.[annotations.revision],
      'm-1',
    );
  });

  it('keeps how the version ended while it stays, also with another kernel, and forgets it with the next', () => {
    const ending = { succeededAt: nowText };
    const noted = (of: Partial<ClusterPicture>) =>
      written(decide({ ...both(), ending, ...of })).metadata.annotations?.[annotations.succeededAt];
    assert.equal(noted({}), nowText);
    assert.equal(noted({ cluster: cluster({ kernels: [k5, k6, '5.14.0-2'] }) }), nowText);
    assert.equal(noted({ module: modulePicture({ current: next }) }), undefined);
  });

  it('from a version that nobody remembers happens as any other, and until then nothing is touched', () => {
    const before = both();
    const lost = { ...before.work!, revision: undefined };
    const module = modulePicture({ current: next, images: images({ [image6]: missing }) });
    const decision = decide({ ...before, module, work: lost });
    assert.equal(decision.action.kind, 'keep');
    assert.ok(decision.notices.some(({ reason }) => reason === reasons.revisionLost));
    const moved = decide({ ...before, module: modulePicture({ current: next }), work: lost });
    assert.equal(written(moved).metadata.annotations?.[annotations.revision], 'm-2');
  });
});
