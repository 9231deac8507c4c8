import assert from 'node:assert/strict';
import type { ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import {
  cluster,
  digest,
  edited,
  modulePicture,
  moduleSpec,
  picture,
  presentWork,
  revision,
  spokeNamespace,
} from '../testing/pictures.ts';
import { decide } from './decide.ts';
import { reasons } from './reasons.ts';
import { viewWork, workLabel } from './work.ts';

/** As upstream's hub writes it: null and empty fields, container-level leftovers, images by tag. */
function upstreamWork(change: (spec: ModuleSpec) => void = () => undefined): ManifestWork {
  const spec = {
    devicePlugin: null,
    imageRepoSecret: null,
    moduleLoader: {
      container: {
        modprobe: { moduleName: 'kmm_ci_a' },
        registryTLS: {},
        kernelMappings: [
          {
            literal: '6.1.0-2',
            containerImage: 'quay.io/org/b:6.1.0-2',
            inTreeModulesToRemove: null,
            registryTLS: null,
          },
          { literal: '5.14.0-1', containerImage: 'quay.io/org/a:5.14.0-1' },
        ],
      },
    },
    selector: { 'node-role.kubernetes.io/worker': '' },
  };
  change(spec as unknown as ModuleSpec);
  const manifest = {
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata: { name: 'm', namespace: spokeNamespace, creationTimestamp: null },
    spec,
    status: {},
  };
  return {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: { name: 'm', namespace: 'c1', labels: workLabel('m') },
    spec: { workload: { manifests: [manifest] } },
  };
}

const specIn = (work: ManifestWork): ModuleSpec => viewWork(work, spokeNamespace).spec!;
const adopting = (work: ManifestWork, kernels = ['5.14.0-1', '6.1.0-2']) =>
  picture({ work: presentWork(work), cluster: cluster({ kernels }) });

function write(of: ReturnType<typeof picture>): ManifestWork {
  const { action, waiting } = decide(of);
  assert.equal(action.kind, 'write', JSON.stringify(waiting));
  return (action as { work: ManifestWork }).work;
}

describe('a work that upstream wrote', () => {
  it('is adopted with its Module spec byte for byte, and gets revision, state and time', () => {
    const work = write(adopting(upstreamWork()));
    assert.equal(JSON.stringify(specIn(work)), JSON.stringify(specIn(upstreamWork())));
    assert.equal(work.metadata.annotations?.[annotations.revision], 'm-1');
    assert.ok(viewWork(work, spokeNamespace).genuine);
  });

  it('stays as it is on every later look, and a new kernel only appends a mapping', () => {
    const adopted = write(adopting(upstreamWork()));
    const present = presentWork(adopted, { revision: revision() });
    assert.deepEqual(write(picture({ work: present })), adopted);
    const more = write(picture({ work: present, cluster: cluster({ kernels: ['5.14.0-0', '5.14.0-1'] }) }));
    const [before, after] = [specIn(adopted), specIn(more)].map((spec) => spec.moduleLoader!.container.kernelMappings);
    assert.deepEqual(after, [
      ...before!,
      { literal: '5.14.0-0', containerImage: `quay.io/org/a@${digest('quay.io/org/a:5.14.0-0')}` },
    ]);
  });

  it('is put back to what upstream wrote when somebody edits it [158]', () => {
    const adopted = write(adopting(upstreamWork()));
    const changed = edited(adopted, (spec) => {
      spec.moduleLoader!.container.kernelMappings.pop();
      spec.selector = { other: 'label' };
    });
    const work = presentWork(changed, { revision: revision() });
    assert.deepEqual(specIn(write({ ...adopting(upstreamWork()), work })), specIn(adopted));
  });

  it('becomes one of ours with the next edit of moduleSpec', () => {
    const adopted = write(adopting(upstreamWork()));
    const next = revision('m-2', moduleSpec({ tolerations: [{ operator: 'Exists' }] }));
    const work = write({
      ...adopting(upstreamWork()),
      module: modulePicture({ current: next }),
      work: presentWork(adopted, { revision: revision() }),
    });
    assert.equal(work.metadata.annotations?.[annotations.adoptedSpec], undefined);
    assert.match(JSON.stringify(specIn(work)), /@sha256:/);
    assert.doesNotMatch(JSON.stringify(specIn(work)), /:5\.14\.0-1"|null/);
  });

  const edits: Record<string, (spec: ModuleSpec) => void> = {
    'another selector': (spec) => Object.assign(spec, { selector: {} }),
    'another in-tree module': (spec) => {
      spec.moduleLoader!.container.kernelMappings[1]!.inTreeModulesToRemove = ['ice'];
    },
    'another image': (spec) => {
      spec.moduleLoader!.container.kernelMappings[1]!.containerImage = 'quay.io/org/old:5.14.0-1';
    },
  };
  for (const [what, edit] of Object.entries(edits)) {
    it(`with ${what} than moduleSpec has gets a new state like any other cluster`, () => {
      const work = write(adopting(upstreamWork(edit)));
      assert.equal(work.metadata.annotations?.[annotations.adoptedSpec], undefined);
      assert.match(JSON.stringify(specIn(work)), /@sha256:/);
    });
  }

  it('with images by digest of the same repository is adopted too', () => {
    const pinned = (spec: ModuleSpec) => {
      spec.moduleLoader!.container.kernelMappings[1]!.containerImage = `quay.io/org/a@${digest('old')}`;
    };
    const work = write(adopting(upstreamWork(pinned)));
    assert.deepEqual(specIn(work), specIn(upstreamWork(pinned)));
  });

  it('is adopted although new states are held, because it gets none', () => {
    const hold = { reason: reasons.paused, message: 'paused' };
    const work = write({ ...adopting(upstreamWork()), module: modulePicture({ hold }) });
    assert.deepEqual(specIn(work), specIn(upstreamWork()));
  });
});
