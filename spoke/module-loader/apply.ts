import { type Module, modules, type ReportError } from '@open-cluster-management/api-types';
import { errorMessage } from '../../shared/core/errors.ts';
import type { Log } from '../../shared/core/log.ts';
import type { JsonPatchOperation, KubeClient } from '../../shared/kube/client.ts';
import { isConflict } from '../../shared/kube/errors.ts';
import { addFinalizer, removeFinalizer } from '../../shared/kube/finalizer.ts';
import { annotations, finalizers, labels } from '../../shared/kube/names.ts';
import type { DaemonSet, KubeObject, Pod, Resource } from '../../shared/kube/object.ts';
import { type Owner, ownerOf, ownership } from '../../shared/kube/ownership.ts';
import { jsonPointer } from '../../shared/kube/patch.ts';
import { daemonSets as daemonSetsResource, pods as podsResource } from '../../shared/kube/resources.ts';
import { writeOwned } from '../../shared/kube/write.ts';
import type { Plan } from './decide.ts';
import { loadHashOf } from './loader-pod.ts';
import { reasons } from './reasons.ts';
import type { ModulePicture } from './survey.ts';

export interface ApplyInput {
  client: KubeClient;
  log: Log;
  picture: ModulePicture;
  plan: Plan;
  /** The device plugin's DaemonSet as it should be, and those that should go. */
  plugin: { daemonSet: DaemonSet | undefined; discard: readonly DaemonSet[] };
}

/** What was not carried out. `failures` belong into the status; `errors` make the reconcile fail after that. */
export interface Applied {
  failures: ReportError[];
  errors: unknown[];
}

/**
 * Carries out a plan, in the order in which its parts depend on each other: the finalizer before anything that may load,
 * releases before what ends the pods that they were read from. One part that fails holds up only what builds on it.
 */
export async function apply(input: ApplyInput): Promise<Applied> {
  const { client, picture, plan, plugin } = input;
  const { module } = picture;
  if (plan.finalizer && module !== undefined) await addFinalizer(client, modules, module, finalizers.module);
  const applied: Applied = { failures: [], errors: [] };
  const wanted = [...plan.daemonSets, ...(plugin.daemonSet ? [plugin.daemonSet] : [])];
  const unwritten = new Set<string>();
  await all(applied, wanted, async (daemonSet) => {
    unwritten.add(daemonSet.metadata.name);
    await writeDaemonSet(input, daemonSet, applied);
    unwritten.delete(daemonSet.metadata.name);
  });
  // What would come back as it was, of a DaemonSet that does not say the new spec yet, is not ended.
  const comesBack = (pod: Pod) => unwritten.has(controllerOf(pod));
  const marked = plan.mark.filter((pod) => !comesBack(pod));
  const removed = plan.remove.filter(({ pod }) => !comesBack(pod));
  await all(applied, [...marked, ...plan.unmark], (pod) => mark(input, pod, plan.mark.includes(pod)));
  await all(applied, removed, ({ pod, reason }) => remove(input, podsResource, pod, reason));
  await all(applied, plan.release, (pod) => removeFinalizer(client, podsResource, pod, finalizers.nodeLabeler));
  await all(applied, plan.unload, (pod) => createUnload(input, pod, applied));
  await all(applied, plan.dismiss, (pod) => remove(input, podsResource, pod, 'UnloadPodNotNeeded'));
  await all(applied, [...plan.discard, ...plugin.discard], (daemonSet) =>
    remove(input, daemonSetsResource, daemonSet, 'NotWanted'),
  );
  return applied;
}

function controllerOf({ metadata }: Pod): string {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)?.name ?? '';
}

/** The Module itself may go: called last, because after it there is nothing to write a status to. */
export async function releaseModule(client: KubeClient, module: Module, plan: Plan): Promise<boolean> {
  return !plan.finalizer && (await removeFinalizer(client, modules, module, finalizers.module));
}

async function all<T>(applied: Applied, items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(items.map(act));
  for (const result of results) if (result.status === 'rejected') applied.errors.push(result.reason);
}

async function writeDaemonSet({ client, picture }: ApplyInput, wanted: DaemonSet, applied: Applied): Promise<void> {
  const { module } = picture;
  if (module === undefined) return;
  const owner = ownerOf(module);
  const { name } = wanted.metadata;
  const kernel = wanted.metadata.labels?.[labels.kernelVersion] ?? '';
  const present = picture.daemonSets.find(({ metadata }) => metadata.name === name);
  const fail = (reason: string, message: string) => applied.failures.push({ node: '', kernel, reason, message });
  const foreign = `DaemonSet ${name} exists and is not ours: it is left as it is; delete or rename it`;
  if (present !== undefined && isForeign(present, owner, module)) return void fail(reasons.foreign, foreign);
  try {
    await writeOwned(client, daemonSetsResource, { present, wanted, owner });
  } catch (error) {
    // Without our label it is in no cache of ours: look, to tell a foreign one from one that the cache does not show yet.
    const found = isConflict(error) && !present ? await client.get(daemonSetsResource, wanted.metadata) : undefined;
    if (found !== undefined && isForeign(found, owner, module)) return void fail(reasons.foreign, foreign);
    if (!isConflict(error)) fail(reasons.writeFailed, `DaemonSet ${name}: ${errorMessage(error)}`);
    throw error;
  }
}

function isForeign(daemonSet: DaemonSet, owner: Owner, module: Module): boolean {
  return ownership(daemonSet, owner, { [labels.moduleName]: module.metadata.name }) === 'foreign';
}

async function mark({ client, log }: ApplyInput, pod: Pod, on: boolean): Promise<void> {
  const path = jsonPointer('metadata', 'annotations', annotations.replace);
  const change: JsonPatchOperation = on ? { op: 'add', path, value: loadHashOf(pod) ?? '' } : { op: 'remove', path };
  const sameObject: JsonPatchOperation = { op: 'test', path: '/metadata/uid', value: pod.metadata.uid };
  log.info({ pod: pod.metadata.name, node: pod.spec.nodeName, on }, 'marking a loader pod as leaving');
  await client.patch(podsResource, pod.metadata, { type: 'json', operations: [sameObject, change] });
}

async function remove<T extends KubeObject>(
  { client, log }: ApplyInput,
  resource: Resource<T>,
  object: T,
  reason: string,
): Promise<void> {
  const { name, uid } = object.metadata;
  log.info({ kind: resource.kind, object: name, reason }, 'deleting');
  await client.delete(resource, object.metadata, {
    propagationPolicy: 'Background',
    ...(uid !== undefined && { preconditions: { uid } }),
  });
}

async function createUnload({ client, log, picture }: ApplyInput, wanted: Pod, applied: Applied): Promise<void> {
  if (picture.pods.some(({ metadata }) => metadata.name === wanted.metadata.name)) return;
  log.info({ pod: wanted.metadata.name, node: wanted.spec.nodeName }, 'unloading by a pod of its own');
  try {
    // Without an owner: a Module that is deleted in the foreground would take it away before it has done its work.
    await client.create(podsResource, wanted);
  } catch (error) {
    // An account that lost the right to run privileged pods would else hold the Module without a word.
    const { name: pod } = wanted.metadata;
    const said = { node: wanted.spec.nodeName ?? '', kernel: '', reason: reasons.writeFailed };
    if (!isConflict(error)) applied.failures.push({ ...said, message: `Pod ${pod}: ${errorMessage(error)}` });
    throw error;
  }
}
