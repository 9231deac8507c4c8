import type { ReportError } from '@open-cluster-management/api-types';
import { shortened } from '../../shared/core/conditions.ts';
import { labels } from '../../shared/kube/names.ts';
import type { Pod } from '../../shared/kube/object.ts';
import { containerStatus, containers, isPodReady, isTerminating, purposeOf, toolsStatus } from '../pods.ts';
import { imageTrouble } from './images.ts';
import { lastResult } from './script-result.ts';
import { type ModulePicture, patienceMs, type Survey } from './survey.ts';
import { containerTrouble } from './trouble.ts';

const messageCharsMax = 512;

/**
 * Everything that is wrong with one Module, the most pressing first: nodes that failed to load, with modprobe's own line
 * (checklist 205); nodes that still hold what should be gone, with its users (206); plugins; objects that are not ours.
 */
export function errorsOf(picture: ModulePicture, seen: Survey, failures: readonly ReportError[]): ReportError[] {
  const errors = [
    ...loadErrors(seen),
    ...unloadErrors(picture, seen),
    ...pluginErrors(seen),
    ...podlessErrors(picture),
    ...failures,
  ];
  return errors.map((error) => ({ ...error, message: shortened(error.message, messageCharsMax) }));
}

function loadErrors({ targets }: Survey): ReportError[] {
  return targets.flatMap(({ name: node, kernel, state, trouble, mapping, desired }) => {
    if (state !== 'failed' || !desired) return [];
    if (trouble !== undefined) return [{ node, kernel, reason: trouble.reason, message: trouble.message }];
    if (mapping.kind === 'waiting') {
      const found = imageTrouble(mapping.image);
      return found === undefined ? [] : [{ node, kernel, ...found }];
    }
    if (mapping.kind !== 'error') return [];
    return [{ node, kernel, reason: mapping.reason ?? 'MappingInvalid', message: mapping.message }];
  });
}

/** Pods that end, or that end others' work, on nodes that are not to hold the kernel module any more. */
export function unloadErrors({ pods }: ModulePicture, { byNode }: Survey): ReportError[] {
  const said = new Map<string, ReportError>();
  for (const pod of pods) {
    const node = pod.spec.nodeName ?? '';
    const purpose = purposeOf(pod);
    const ends = purpose === 'unload' || (purpose === 'load' && isTerminating(pod));
    if (!ends || byNode.get(node)?.wanted) continue;
    const error = unloadError(pod, byNode.get(node)?.kernel ?? '');
    // The one-shot pod's word is newer than that of the loader pod that it unloads for.
    if (error !== undefined && (purpose === 'unload' || !said.has(node))) said.set(node, error);
  }
  return [...said.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
}

function unloadError(pod: Pod, nodeKernel: string): ReportError | undefined {
  const node = pod.spec.nodeName ?? '';
  const kernel = pod.metadata.labels?.[labels.kernelVersion] ?? nodeKernel;
  const status = containerStatus(pod, containers.loader);
  const result = lastResult(status);
  if (result?.result === 'Failed' && result.verb !== 'run') {
    const users = result.holders.length > 0 ? `used by ${result.holders.join(', ')}: ` : '';
    return { node, kernel, reason: result.reason || 'UnloadFailed', message: `${users}${result.message}` };
  }
  if (purposeOf(pod) !== 'unload') return undefined;
  const trouble = containerTrouble(toolsStatus(pod)) ?? containerTrouble(status);
  if (trouble !== undefined) return { node, kernel, reason: trouble.reason, message: trouble.message };
  if (pod.status?.phase !== 'Failed') return undefined;
  return { node, kernel, reason: pod.status.reason || 'PodRejected', message: pod.status.message ?? '' };
}

function pluginErrors({ targets }: Survey): ReportError[] {
  return targets.flatMap(({ name: node, kernel, plugins }) =>
    plugins.flatMap((pod) => {
      if (isTerminating(pod) || isPodReady(pod)) return [];
      const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
      const trouble = statuses.map(containerTrouble).find((each) => each !== undefined);
      if (trouble === undefined) return [];
      return [{ node, kernel, reason: 'DevicePluginFailed', message: `${trouble.reason}: ${trouble.message}` }];
    }),
  );
}

function podlessErrors({ daemonSets, podlessMs }: ModulePicture): ReportError[] {
  return daemonSets.flatMap(({ metadata, spec, status }) => {
    if ((podlessMs.get(metadata.name) ?? 0) < patienceMs) return [];
    const { currentNumberScheduled: made = 0, desiredNumberScheduled: wanted = 0 } = status ?? {};
    const account = spec.template.spec?.serviceAccountName;
    // Kubernetes' own words, such as those of an SCC, stand in the DaemonSet's events, which we have no right to read.
    const hint = account
      ? `is there a ServiceAccount ${account}? May it run privileged pods (SCC, Pod Security)?`
      : 'may ServiceAccount default run privileged pods (SCC, Pod Security)?';
    const message = `Kubernetes has made ${made} of ${wanted} pods of DaemonSet ${metadata.name}, whose events say why: ${hint}`;
    return [{ node: '', kernel: metadata.labels?.[labels.kernelVersion] ?? '', reason: 'PodsNotCreated', message }];
  });
}
