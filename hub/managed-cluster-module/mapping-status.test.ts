import assert from 'node:assert/strict';
import type { KernelMapping } from '@open-cluster-management/api-types';
import { managedClusterModuleStatusSchema } from '@open-cluster-management/api-types/schemas';
import { moduleSpec } from '../testing/pictures.ts';
import type { KernelPlan } from './kernel-plan.ts';
import { mappingStatuses } from './mapping-status.ts';
import { planGroups } from './plan-groups.ts';
import type { ClusterRecord } from './records.ts';
import { revisionOf } from './revision.ts';

/** Kernels by cluster, as plans of any version of the spec. */
function statuses(mappings: Partial<KernelMapping>[], clusters: Record<string, readonly string[]>) {
  const kernelMappings = mappings.map((mapping) => ({ containerImage: 'q/a:1', ...mapping })) as KernelMapping[];
  const moduleLoader = { container: { modprobe: { moduleName: 'a' }, kernelMappings } };
  const revision = revisionOf('m-1', moduleSpec({ moduleLoader }), { name: 'm', namespace: 'n' });
  const selected = Object.entries(clusters).map(([cluster, kernels]) => {
    const plans = kernels.map((kernel) => ({ kernel, revision: 'older', state: 'Checking' }) as KernelPlan);
    return { cluster, plans } as unknown as ClusterRecord;
  });
  return mappingStatuses(planGroups(selected), revision);
}

describe('which mapping serves which kernels', () => {
  it('is told by mapping, in the order of the spec, with the clusters that run them [216]', () => {
    const mappings = [{ literal: '5.14.0-1' }, { regexp: '^5\\.14' }, { regexp: '^6' }];
    const fleet = { c1: ['5.14.0-1', '5.14.0-2'], c2: ['5.14.0-2', '5.14.0-10'], c3: ['4.18.0-1'] };
    assert.deepEqual(statuses(mappings, fleet), [
      { index: 0, literal: '5.14.0-1', clusters: 1, kernels: ['5.14.0-1'] },
      { index: 1, regexp: '^5\\.14', clusters: 2, kernels: ['5.14.0-10', '5.14.0-2'] },
      { index: 2, regexp: '^6', clusters: 0 },
    ]);
  });

  it('shows an expression that can never match, and one that an earlier one hides [216]', () => {
    const mappings = [{ regexp: '^.+\\fc37' }, { regexp: 'fc37' }, { regexp: 'x86' }];
    assert.deepEqual(
      statuses(mappings, { c1: ['6.1.0-1.fc37.x86_64'] }).map(({ clusters }) => clusters),
      [0, 1, 0],
    );
  });

  it('says nothing of a kernel whose mapping is wrong, nor without a spec', () => {
    assert.deepEqual(statuses([{ regexp: '(' }], { c1: ['6.1.0-1'] }), [{ index: 0, regexp: '(', clusters: 0 }]);
    assert.deepEqual(mappingStatuses([], undefined), []);
  });

  it('stays far below what an object may weigh, with the longest of everything [216]', () => {
    const texts = Array.from({ length: 256 }, (_, index) => `^6\\.${index}\\.0|${'\u{1f4a3}'.repeat(450)}`);
    const kernels = texts.flatMap((_, index) =>
      Array.from({ length: 3 }, (_each, patch) => `6.${index}.0-${String(patch).padStart(50, '0')}`),
    );
    const mappings = texts.map((regexp) => ({ regexp }));
    const kernelMappings = statuses(mappings, Object.fromEntries(kernels.map((kernel) => [kernel, [kernel]])));
    assert.deepEqual(managedClusterModuleStatusSchema.safeParse({ kernelMappings }).error?.issues, undefined);
    assert.ok(JSON.stringify(kernelMappings).isWellFormed());
    const bytes = Buffer.byteLength(JSON.stringify(kernelMappings));
    assert.ok(bytes < 150_000, `${bytes} bytes`);
    assert.deepEqual([kernelMappings[0]?.kernels?.length, kernelMappings[0]?.moreKernels], [2, 1]);
    const one = statuses([{ regexp: '.' }], { c1: kernels });
    assert.deepEqual([one[0]?.kernels?.length, one[0]?.moreKernels], [32, kernels.length - 32]);
  });
});
