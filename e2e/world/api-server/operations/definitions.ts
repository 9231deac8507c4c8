import { cleanupFinalizer } from '../kinds/definition-strategy.ts';
import type { ApiObject } from '../object.ts';
import type { Write } from '../store/collection.ts';
import type { ServerState } from './context.ts';
import { deleted } from './delete.ts';

/** Serves kinds as their definitions are posted, changed and deleted; a deleted definition takes its objects along. */
export function serveDefinitions(state: ServerState): void {
  const { catalog, store } = state;
  const definitions = store.collection(catalog.definitions.collection);
  const cleaning = new Set<string>();
  definitions.listen(undefined, ({ removed, current }: Write) => {
    const { object } = current;
    if (removed) {
      catalog.undefine(object.metadata.name);
      cleaning.delete(object.metadata.name);
      return;
    }
    if (object.metadata.deletionTimestamp === undefined) {
      catalog.define(object);
    } else if (!cleaning.has(object.metadata.name)) {
      cleaning.add(object.metadata.name);
      // After the write that is being told: listeners must not write.
      queueMicrotask(() => clean(state, object));
    }
  });
}

function clean(state: ServerState, definition: ApiObject): void {
  const { store, catalog } = state;
  const kind = catalog.list().find((served) => `${served.plural}.${served.group}` === definition.metadata.name);
  if (kind === undefined) return;
  const objects = store.collection(kind.collection);
  const options = { propagationPolicy: undefined, gracePeriodSeconds: 0, uid: undefined, resourceVersion: undefined };
  for (const present of objects.list()) deleted(state, { kind }, { present, options });
  if (objects.isEmpty()) {
    release(state, definition.metadata.name);
    return;
  }
  const stop = objects.listen(undefined, () => {
    if (!objects.isEmpty()) return;
    stop();
    queueMicrotask(() => release(state, definition.metadata.name));
  });
}

function release(state: ServerState, name: string): void {
  const definitions = state.store.collection(state.catalog.definitions.collection);
  const present = definitions.get(undefined, name);
  if (present === undefined) return;
  const finalizers = (present.object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanupFinalizer);
  if (finalizers.length === 0) definitions.remove(present);
  else definitions.put({ ...present.object, metadata: { ...present.object.metadata, finalizers } });
}
