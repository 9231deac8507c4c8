import type { Module, ModuleStatus, NodeCounts, ReportCounts, ReportError } from '@open-cluster-management/api-types';
import { assert } from '../../shared/core/assert.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { type Condition, shortened, withConditions } from '../../shared/core/conditions.ts';
import { limits } from '../../shared/core/limits.ts';
import { annotations } from '../../shared/kube/names.ts';
import type { DaemonSet } from '../../shared/kube/object.ts';
import { devicePluginCounts } from '../device-plugin/counts.ts';
import { conditionsOf } from './conditions.ts';
import type { Plan } from './decide.ts';
import { errorsOf } from './errors.ts';
import { formatReport } from './report.ts';
import { type ModulePicture, type Survey, type Target, unmappedKernels } from './survey.ts';

export interface StatusInput {
  picture: ModulePicture;
  seen: Survey;
  plan: Plan;
  /** The device plugin's DaemonSet as the spec describes it. */
  plugin: DaemonSet | undefined;
  /** What could not be written, as errors without a node. */
  failures: readonly ReportError[];
}

/** The hub's own has 16; an annotation that anybody may write must not keep the status from being written. */
const stateCharsMax = 64;

/** The whole status of a Module, for people, `kubectl` and the hub, computed from one spec (contract 4). */
export function statusOf(input: StatusInput): ModuleStatus {
  const { picture, seen, plugin } = input;
  const { module, nowMs } = picture;
  assert(module !== undefined, 'a Module that is gone has no status');
  const hasLoader = module.spec.moduleLoader !== undefined;
  const errors = errorsOf(picture, seen, input.failures);
  const counts = kernelCounts(seen);
  const nodes = countsOf(seen.targets);
  const devicePlugin = plugin && devicePluginCounts(seen, plugin, hasLoader);
  const hubState = module.metadata.annotations?.[annotations.hubState];
  const conditions = conditionsOf({ ...input, errors, nodes, devicePlugin });
  return {
    observedGeneration: module.metadata.generation ?? 0,
    conditions: withConditions((module.status?.conditions ?? []) as Condition[], conditions, rfc3339(nowMs)),
    ...(hasLoader && { moduleLoader: loaderCounts(seen, nodes) }),
    ...(devicePlugin && { devicePlugin }),
    ...(hasLoader && { kernels: kernelStatus(module, seen, counts) }),
    ...actedUpon(module, seen),
    ...(hubState !== undefined && { observedState: shortened(hubState, stateCharsMax) }),
    report: formatReport({
      version: module.spec.moduleLoader?.container.version,
      nodes,
      kernels: counts,
      unmapped: hasLoader ? unmappedKernels(seen) : [],
      errors,
    }),
  };
}

/** Desired, loaded, failed, unreachable: each desired node counts in at most one of the last three. */
function countsOf(targets: readonly Target[]): ReportCounts {
  const desired = targets.filter((target) => target.desired);
  const count = (state: Target['state']) => desired.filter((target) => target.state === state).length;
  return [desired.length, count('loaded'), count('failed'), count('unreachable')];
}

function kernelCounts({ targets }: Survey): Map<string, ReportCounts> {
  const byKernel = Map.groupBy(
    targets.filter((target) => target.desired),
    ({ kernel }) => kernel,
  );
  return new Map([...byKernel].map(([kernel, nodes]) => [kernel, countsOf(nodes)]));
}

function loaderCounts({ targets }: Survey, [desired, loaded]: ReportCounts): NodeCounts {
  const matching = targets.filter((target) => target.selected && (target.open || target.loaded));
  return { nodesMatchingSelectorNumber: matching.length, desiredNumber: desired, availableNumber: loaded };
}

/** `imageRebuildTriggerGeneration`, once all images that can be made here were looked at since it was set. */
function actedUpon({ spec, status }: Module, { made }: Survey): Pick<ModuleStatus, 'imageRebuildTriggerGeneration'> {
  if (made.size === 0) return {};
  const isDone = [...made.values()].every(({ settled, state }) => settled || state.state === 'Verified');
  const { imageRebuildTriggerGeneration } = isDone ? spec : (status ?? {});
  return imageRebuildTriggerGeneration === undefined ? {} : { imageRebuildTriggerGeneration };
}

function kernelStatus(
  { spec }: Module,
  { kernels }: Survey,
  counts: ReadonlyMap<string, ReportCounts>,
): ModuleStatus['kernels'] {
  const mappings = spec.moduleLoader?.container.kernelMappings ?? [];
  return [...counts]
    .sort(([kernelA, [a]], [kernelB, [b]]) => b - a || (kernelA < kernelB ? -1 : 1))
    .slice(0, limits.statusKernelsMax)
    .map(([kernelVersion, [desired, loaded, failed, unreachable]]) => {
      const found = kernels.get(kernelVersion);
      const used = found?.kind === 'match' || found?.kind === 'waiting' ? found.mapping : undefined;
      const text = used && (mappings[used.index]?.literal || mappings[used.index]?.regexp);
      // Made of variables it can be longer than any field of ours: one entry too long, and no status is written at all.
      const image = used && shortened(used.containerImage, limits.stringCharsMax);
      const from = used && { image, ...(text && { mapping: text }) };
      return { kernelVersion, ...from, desired, loaded, failed, unreachable };
    });
}
