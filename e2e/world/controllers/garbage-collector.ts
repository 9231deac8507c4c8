import { unreachable } from '../../../shared/core/assert.ts';
import { WaitingError } from '../../../shared/core/errors.ts';
import { done, type Outcome } from '../../../shared/core/outcome.ts';
import type { Change } from '../../../shared/kube/cache.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { type RunningController, startController } from '../../../shared/kube/controller.ts';
import { isNotFound } from '../../../shared/kube/errors.ts';
import type { KubeObject, OwnerReference } from '../../../shared/kube/object.ts';
import { decideStep, foregroundFinalizer, type OwnerState, orphanFinalizer, type Step } from './garbage/decide.ts';
import { Graph, ownersOf, type Vertex } from './garbage/graph.ts';
import { type KindSources, watchAllKinds } from './garbage/sources.ts';
import type { AnyResource } from './kinds.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';

const unknownKindRetryMs = 30_000;

/**
 * Kubernetes' garbage collector over every kind of one API server: deletes what has lost all owners, and carries out
 * foreground deletion and orphaning.
 */
export function startGarbageCollector(options: WorldControllerOptions): RunningWorldController {
  return new GarbageCollector(options);
}

/** Keys are uids. */
class GarbageCollector implements RunningWorldController {
  readonly #client: KubeClient;
  readonly #graph = new Graph();
  readonly #kinds: KindSources;
  readonly #running: RunningController;

  constructor(options: WorldControllerOptions) {
    this.#client = options.client;
    this.#kinds = watchAllKinds(options, (resource, change) => this.#follow(resource, change));
    const reconcile = (uid: string) => this.#reconcile(uid);
    const controller = { name: 'world-garbage', sources: [this.#kinds.source], reconcile };
    this.#running = startController(controller, options.runtime, options.signal);
  }

  get stopped(): Promise<void> {
    return this.#running.stopped;
  }

  #follow(resource: AnyResource, { previous, current }: Change<KubeObject>): string[] {
    const replaced = previous !== undefined && previous.metadata.uid !== current?.metadata.uid;
    const woken = replaced ? this.#graph.delete(previous) : [];
    return current ? [...woken, ...this.#graph.put(resource, current)] : woken;
  }

  async #reconcile(uid: string): Promise<Outcome> {
    const vertex = this.#graph.get(uid);
    if (vertex === undefined) return done;
    const { object } = vertex;
    const references = object.metadata.deletionTimestamp === undefined ? ownersOf(object) : [];
    const owners = await Promise.all(references.map((owner) => this.#ownerState(object, owner)));
    const dependents = this.#graph.dependentsOf(uid);
    const step = decideStep({ object, owners, dependents: dependents.map((dependent) => dependent.object) });
    await this.#apply(vertex, dependents, step);
    return done;
  }

  /** An owner that is not watched under its uid may still be on its way here: the server is asked before it counts as absent. */
  async #ownerState(dependent: KubeObject, reference: OwnerReference): Promise<OwnerState> {
    const known = this.#graph.get(reference.uid)?.object;
    if (known && isSame(known, reference, dependent)) return { reference, state: stateOf(known) };
    const resource = this.#kinds.find(reference.apiVersion, reference.kind);
    if (resource === undefined) {
      const message = `expected ${reference.kind} of ${reference.apiVersion} to be served, as an owner names it`;
      throw new WaitingError('UnknownKind', message, unknownKindRetryMs);
    }
    const { namespace } = dependent.metadata;
    if (resource.namespaced && namespace === undefined) return { reference, state: 'invalid' };
    const at = { namespace: resource.namespaced ? namespace : undefined, name: reference.name };
    const owner = await this.#client.get(resource, at);
    return { reference, state: owner?.metadata.uid === reference.uid ? stateOf(owner) : 'absent' };
  }

  async #apply(vertex: Vertex, dependents: readonly Vertex[], step: Step): Promise<void> {
    const { uid = '' } = vertex.object.metadata;
    switch (step.kind) {
      case 'nothing':
        return;
      case 'orphan dependents':
        await this.#learnDependents(vertex.object);
        for (const dependent of this.#graph.dependentsOf(uid)) await this.#dropOwners(dependent, [uid]);
        return this.#dropFinalizer(vertex, orphanFinalizer);
      case 'delete dependents':
        if (!step.blocking) return this.#dropFinalizer(vertex, foregroundFinalizer);
        // Each dependent decides for itself: it may have another owner.
        for (const dependent of dependents) this.#running.enqueue(dependent.object.metadata.uid ?? '');
        return;
      case 'drop owners':
        return this.#dropOwners(vertex, step.uids);
      case 'delete':
        return this.#delete(vertex, step.policy);
      default:
        unreachable(step);
    }
  }

  /** A dependent that was made just before may not be known yet, and would be taken for lost once its owner is gone. */
  async #learnDependents({ metadata: { namespace, uid } }: KubeObject): Promise<void> {
    const reachable = this.#kinds.list().filter((resource) => namespace === undefined || resource.namespaced);
    for (const resource of reachable) {
      const { items } = await this.#client.list(resource, { namespace });
      const owned = items.filter((item) => ownersOf(item).some((owner) => owner.uid === uid));
      for (const item of owned) this.#graph.put(resource, item);
    }
  }

  #delete({ resource, object }: Vertex, propagationPolicy: 'Background' | 'Foreground' | 'Orphan'): Promise<void> {
    const preconditions = preconditionsOf(object);
    return this.#client.delete(resource, object.metadata, { propagationPolicy, preconditions });
  }

  #dropOwners({ resource, object }: Vertex, uids: readonly string[]): Promise<void> {
    const ownerReferences = ownersOf(object).filter((owner) => !uids.includes(owner.uid));
    return this.#patchMetadata(resource, object, { ownerReferences });
  }

  #dropFinalizer({ resource, object }: Vertex, finalizer: string): Promise<void> {
    const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    return this.#patchMetadata(resource, object, { finalizers });
  }

  /** uid and resourceVersion make it a write to exactly what was looked at; 409 looks again. */
  async #patchMetadata(resource: AnyResource, object: KubeObject, change: object): Promise<void> {
    const metadata = { ...preconditionsOf(object), ...change };
    try {
      await this.#client.patch(resource, object.metadata, { type: 'merge', body: { metadata } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function stateOf(owner: KubeObject): OwnerState['state'] {
  const { deletionTimestamp, finalizers = [] } = owner.metadata;
  const inForeground = deletionTimestamp !== undefined && finalizers.includes(foregroundFinalizer);
  return inForeground ? 'deleting in foreground' : 'present';
}

/** A uid under another name, kind or namespace is a mistake, or a trick, of whoever wrote the reference. */
function isSame(owner: KubeObject, reference: OwnerReference, dependent: KubeObject): boolean {
  const { name, namespace } = owner.metadata;
  const reachable = namespace === undefined || namespace === dependent.metadata.namespace;
  return owner.kind === reference.kind && name === reference.name && reachable;
}

function preconditionsOf(object: KubeObject): { uid?: string; resourceVersion?: string } {
  const { uid, resourceVersion } = object.metadata;
  return { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) };
}
