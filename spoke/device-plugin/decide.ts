import { labels } from '../../shared/kube/names.ts';
import type { DaemonSet } from '../../shared/kube/object.ts';
import { ownerOf, ownership } from '../../shared/kube/ownership.ts';
import type { ModulePicture, Survey } from '../module-loader/survey.ts';
import { isTerminating, purposeOf } from '../pods.ts';
import { devicePluginDaemonSet } from './daemon-set.ts';

export interface DevicePluginPlan {
  /** As it should be; `undefined`: there should be none. */
  daemonSet: DaemonSet | undefined;
  /** What the spec comes to when all loaders are as it says: only its pods count as the plugin that was asked for. */
  final: DaemonSet | undefined;
  discard: readonly DaemonSet[];
}

/** The device plugin goes first when a Module does, and stays behind the ready label as long as any loader is there. */
export function devicePluginPlan(
  { module, daemonSets, pods, settings }: ModulePicture,
  seen: Survey,
): DevicePluginPlan {
  const hasLoader = module?.spec.moduleLoader !== undefined;
  const behindLoader = hasLoader || [...daemonSets, ...pods].some((each) => purposeOf(each) === 'load');
  const wanted = module !== undefined && !seen.deleting && seen.refusal === undefined;
  const daemonSet = wanted ? devicePluginDaemonSet({ module, behindLoader, settings }) : undefined;
  const final = wanted ? devicePluginDaemonSet({ module, behindLoader: hasLoader, settings }) : undefined;
  const discard = daemonSets.filter(
    (each) =>
      purposeOf(each) === 'device-plugin' &&
      !isTerminating(each) &&
      each.metadata.name !== daemonSet?.metadata.name &&
      module !== undefined &&
      ownership(each, ownerOf(module), { [labels.moduleName]: module.metadata.name }) !== 'foreign',
  );
  return { daemonSet, final, discard };
}
