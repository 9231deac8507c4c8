import type { KernelMappingStatus } from '@open-cluster-management/api-types';
import { managedClusterModuleStatusBounds as bounds } from '@open-cluster-management/api-types/schemas';
import { shortened } from '../../shared/core/conditions.ts';
import type { PlanGroup } from './plan-groups.ts';
import type { Revision } from './revision.ts';

/**
 * Which mapping of the present spec serves which kernels of the selected clusters (checklist 216), in the spec's order. A
 * mapping that serves none is listed too: a misspelt expression is seen there. At most about 150 KB: 256 mappings with
 * 128 characters of what they say, and 512 kernels in all. Pure.
 */
export function mappingStatuses(groups: readonly PlanGroup[], revision: Revision | undefined): KernelMappingStatus[] {
  if (revision === undefined) return [];
  const mappings = revision.moduleSpec.moduleLoader?.container.kernelMappings ?? [];
  const served = mappings.map(() => ({ kernels: new Set<string>(), clusters: 0 }));
  for (const { plans, clusters } of groups) {
    const used = new Set<number>();
    for (const { kernel } of plans) {
      const answer = revision.resolve(kernel);
      if (answer.kind !== 'match') continue;
      served[answer.mapping.index]?.kernels.add(kernel);
      used.add(answer.mapping.index);
    }
    for (const index of used) served[index]!.clusters += clusters;
  }
  const serving = served.filter(({ kernels }) => kernels.size > 0).length;
  const kernelsMax = Math.min(
    bounds.mappingKernelsMax,
    Math.floor(bounds.mappingKernelsInAllMax / Math.max(1, serving)),
  );
  return mappings.slice(0, bounds.kernelMappingsMax).map(({ literal, regexp }, index) => {
    const { kernels, clusters } = served[index]!;
    return {
      index,
      ...(literal ? { literal: shortened(literal, textCharsMax) } : {}),
      ...(regexp && !literal ? { regexp: shortened(regexp, textCharsMax) } : {}),
      clusters,
      ...listed([...kernels].sort(), kernelsMax),
    };
  });
}

const textCharsMax = bounds.mappingTextCharsMax;

function listed(kernels: readonly string[], max: number): Pick<KernelMappingStatus, 'kernels' | 'moreKernels'> {
  return {
    ...(kernels.length > 0 && { kernels: kernels.slice(0, max) }),
    ...(kernels.length > max && { moreKernels: kernels.length - max }),
  };
}
