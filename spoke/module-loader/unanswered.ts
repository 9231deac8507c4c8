import type { Pod } from '../../shared/kube/object.ts';
import { bootKey, type LoadedBoot, loadedBoots } from '../boots.ts';
import { bootIdOf } from '../nodes.ts';
import { purposeOf } from '../pods.ts';
import { isOurDaemonSet, loaderDaemonSet, loaderName } from './daemon-set.ts';
import type { ModulePicture, Survey, Target } from './survey.ts';

/**
 * A node that is not wanted, where a loader began under the present boot, and no loader pod is left to tell what became of
 * it: it was taken away by force while the node was wanted, and none has come after it.
 */
export interface Unanswered {
  target: Target;
  record: LoadedBoot;
  /** As the pod that is gone, with the record's container for its UID. */
  loader: Pod;
}

/** Where the record on the node is all that remembers; pure. Nothing can be done where no mapping gives an image. */
export function unansweredNodes(picture: ModulePicture, { targets }: Survey): Unanswered[] {
  return targets.flatMap((target) => {
    const { node, wanted, kept, pods } = target;
    const record = loadedBoots(node)[bootKey(picture.identity)];
    if (wanted || kept || record === undefined || record.boot !== bootIdOf(node)) return [];
    if (pods.some((pod) => purposeOf(pod) === 'load')) return [];
    const loader = loaderOf(picture, target, record);
    return loader === undefined ? [] : [{ target, record, loader }];
  });
}

function loaderOf({ module, daemonSets, settings }: ModulePicture, target: Target, record: LoadedBoot) {
  if (module === undefined) return undefined;
  const { kernel, mapping, name } = target;
  const present = daemonSets.find(
    (each) => each.metadata.name === loaderName(module.metadata, kernel) && isOurDaemonSet(each, module),
  );
  // The image's name is enough, also of one that is not looked for any more: what is unloaded is what the marker says.
  const pin = mapping.kind === 'match' ? mapping.pin : undefined;
  const made = () =>
    mapping.kind === 'match' || mapping.kind === 'waiting'
      ? loaderDaemonSet({ module, mapping: mapping.mapping, settings, ...(pin && { pin }) })
      : undefined;
  const template = (present ?? made())?.spec.template;
  if (template?.spec === undefined) return undefined;
  const { namespace } = module.metadata;
  return {
    metadata: { ...template.metadata, name, namespace, uid: record.container },
    spec: { ...template.spec, nodeName: name },
  } as Pod;
}
