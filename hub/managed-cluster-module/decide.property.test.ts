import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ImageState } from '../../shared/images/checks.ts';
import { annotations } from '../../shared/kube/names.ts';
import {
  cluster,
  digest,
  edited,
  images,
  modulePicture,
  moduleSpec,
  picture,
  presentWork,
  revision,
  spokeNamespace,
  variable,
} from '../testing/pictures.ts';
import { decide } from './decide.ts';
import type { ClusterPicture, PresentWork } from './picture.ts';
import { mappingsIn, viewWork } from './work.ts';

/** Kernels of both families, one that no mapping matches, and one that only the second version maps. */
const kernels = ['5.14.0-1', '5.14.0-2', '6.1.0-1', '6.1.0-2', '4.18.0-1', '7.0.0-1'];
const imageOf = (kernel: string) =>
  `quay.io/org/${kernel.startsWith('5') ? 'a' : kernel.startsWith('6') ? 'b' : 'c'}:${kernel}`;

const first = revision('m-1');
const spec = moduleSpec({ tolerations: [{ operator: 'Exists' }] });
spec.moduleLoader!.container.kernelMappings.push({
  regexp: '^7',
  containerImage: `quay.io/org/c:${variable('KERNEL_FULL_VERSION')}`,
});
const second = revision('m-2', spec);

const imageState: fc.Arbitrary<ImageState> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<ImageState>({ state: 'Verified', digest: digest('v') }) },
  fc.constantFrom<ImageState>(
    { state: 'Checking' },
    { state: 'Missing', message: 'm' },
    { state: 'Unknown', reason: 'RegistryUnavailable', message: 'u' },
  ),
);
const states = fc
  .tuple(...kernels.map(() => imageState))
  .map((list) => images(Object.fromEntries(kernels.map((kernel, index) => [imageOf(kernel), list[index]!]))));
const claimed = fc.option(fc.subarray(kernels), { nil: undefined });
/** What a cluster goes through: each step another claim, registry, version or reachability. */
const steps = fc.array(
  fc.record({
    claimed,
    states,
    current: fc.constantFrom(first, second),
    upcoming: fc.subarray(kernels),
    mayStart: fc.boolean(),
    available: fc.constantFrom('True' as const, 'True' as const, 'Unknown' as const),
    hold: fc.constantFrom(undefined, undefined, { reason: 'Paused', message: 'p' }),
  }),
  { minLength: 1, maxLength: 6 },
);

function through(
  walk: typeof steps extends fc.Arbitrary<infer T> ? T : never,
  check: (before: ClusterPicture, work: PresentWork | undefined) => void,
) {
  let work: PresentWork | undefined;
  for (const { claimed: claim, states: questions, current, available, hold, upcoming, mayStart } of walk) {
    const module = modulePicture({ current, hold, images: questions });
    const before = picture({ module, cluster: cluster({ kernels: claim, available }), work, upcoming, mayStart });
    const { action } = decide(before);
    if (action.kind === 'write') {
      const named = action.work.metadata.annotations?.[annotations.revision];
      work = presentWork(action.work, { revision: [first, second].find(({ name }) => name === named) });
    }
    check(before, work);
  }
}

describe('whatever a cluster goes through, its work', () => {
  it('is genuine, has at least one mapping, and every image is a digest', () => {
    fc.assert(
      fc.property(steps, (walk) =>
        through(walk, (_, work) => {
          if (work === undefined) return;
          assert.ok(work.view.genuine);
          const mappings = mappingsIn(work.view.spec);
          assert.ok(mappings.length > 0);
          for (const { containerImage } of mappings) assert.match(containerImage, /@sha256:[0-9a-f]{64}$/);
        }),
      ),
    );
  });

  it('loses no mapping of a kernel while its revision stays, and changes none', () => {
    fc.assert(
      fc.property(steps, (walk) =>
        through(walk, ({ work: before }, after) => {
          if (before === undefined || before.view.revision !== after?.view.revision) return;
          const now = new Map(mappingsIn(after?.view.spec).map((mapping) => [mapping.literal, mapping.containerImage]));
          for (const { literal, containerImage } of mappingsIn(before.view.spec)) {
            assert.equal(now.get(literal), containerImage);
          }
        }),
      ),
    );
  });

  it('changes its revision only to the current one, with every claimed kernel that has a mapping there', () => {
    fc.assert(
      fc.property(steps, (walk) =>
        through(walk, ({ work: before, module, cluster: seen, mayStart }, after) => {
          if (after === undefined || before?.view.revision === after.view.revision) return;
          assert.equal(after.view.revision, module.current?.name);
          assert.ok(mayStart);
          const has = new Set(mappingsIn(after.view.spec).map(({ literal }) => literal));
          for (const kernel of seen?.inventory.kernels ?? []) {
            assert.equal(has.has(kernel), module.current?.resolve(kernel).kind === 'match', kernel);
          }
        }),
      ),
    );
  });

  it('has every kernel that its nodes will boot as soon as its image is verified', () => {
    fc.assert(
      fc.property(steps, (walk) =>
        through(walk, ({ cluster: seen, module, upcoming }, after) => {
          const revision = [first, second].find(({ name }) => name === after?.view.revision);
          if (after === undefined || revision === undefined || seen?.reachable !== true) return;
          const has = new Set(mappingsIn(after.view.spec).map(({ literal }) => literal));
          for (const kernel of upcoming) {
            const answer = revision.resolve(kernel);
            if (answer.kind !== 'match') continue;
            const request = { image: answer.mapping.containerImage, tls: undefined };
            const { state } = module.images.stateOf(revision, request as never);
            if (state === 'Verified') assert.ok(has.has(kernel), kernel);
          }
        }),
      ),
    );
  });

  it('does not change while the cluster cannot be reached, or when one looks twice', () => {
    fc.assert(
      fc.property(steps, (walk) =>
        through(walk, (before, after) => {
          if (before.cluster?.reachable === false) return assert.equal(after, before.work);
          if (after === undefined) return;
          const { action } = decide({ ...before, work: after, nowText: '2030-01-01T00:00:00Z' });
          assert.ok(action.kind === 'write');
          assert.deepEqual(viewWork(action.work, spokeNamespace), after.view);
        }),
      ),
    );
  });
});

describe('a work that somebody edited in any way', () => {
  it('is decided upon without throwing, and nothing of the edit is shipped', () => {
    const wanted = decide(picture({ cluster: cluster({ kernels: ['5.14.0-1', '6.1.0-1'] }) })).action;
    assert.ok(wanted.kind === 'write');
    const original = wanted.work;
    const parts = fc.constantFrom(
      (spec: Record<string, unknown>, value: unknown) => Object.assign(spec, { moduleLoader: value }),
      (spec: Record<string, unknown>, value: unknown) => Object.assign(spec, { moduleLoader: { container: value } }),
      (spec: Record<string, unknown>, value: unknown) =>
        Object.assign(spec, { moduleLoader: { container: { kernelMappings: value } } }),
      (spec: Record<string, unknown>, value: unknown) =>
        Object.assign(spec, { moduleLoader: { container: { kernelMappings: [value] } } }),
      (spec: Record<string, unknown>, value: unknown) => Object.assign(spec, { devicePlugin: value }),
    );
    fc.assert(
      fc.property(parts, fc.jsonValue(), (edit, value) => {
        const changed = edited(original, (spec) => edit(spec as unknown as Record<string, unknown>, value));
        const work = presentWork(changed, { revision: revision() });
        const now = picture({ cluster: cluster({ kernels: ['5.14.0-1', '6.1.0-1'] }), work });
        const { action } = decide({ ...now, module: modulePicture({ current: work.revision }) });
        assert.ok(action.kind === 'write');
        assert.deepEqual(action.work.spec, original.spec);
        assert.doesNotThrow(() => decide({ ...now, work: { ...work, view: { ...work.view, revision: undefined } } }));
      }),
    );
  });
});
