import type { ResourceRequest } from '../http/request.ts';
import { parseFieldSelector } from '../selectors/field-selector.ts';
import { type Predicate, parseLabelSelector } from '../selectors/label-selector.ts';
import type { Stored } from '../store/stored.ts';
import { collectionOf, type ServerState } from './context.ts';

/** What the query's label and field selectors, and a watch's name, let through; undefined when everything. */
export function predicateOf(call: ResourceRequest): Predicate | undefined {
  const byLabel = parseLabelSelector(call.query.get('labelSelector') ?? '');
  const byField = fieldPredicate(call);
  if (byLabel === undefined) return byField;
  if (byField === undefined) return byLabel;
  return (object) => byLabel(object) && byField(object);
}

function fieldPredicate({ kind, query }: ResourceRequest): Predicate | undefined {
  const predicate = parseFieldSelector(kind, query.get('fieldSelector') ?? '');
  const { view } = kind;
  return predicate && view ? (object) => predicate(view.fromStored(object)) : predicate;
}

/** Whether a selector of the query may leave something out. */
export function isSelecting({ query }: ResourceRequest): boolean {
  return Boolean(query.get('labelSelector') || query.get('fieldSelector'));
}

/**
 * The objects that a list, a watch's start or a deletecollection is about, in the order of their keys: as they are, or as
 * they were at `revision`.
 */
export function selected(state: ServerState, call: ResourceRequest, revision = state.store.revision): Stored[] {
  const all = collectionOf(state, call).listAt(revision, call.namespace);
  const predicate = predicateOf(call);
  return predicate === undefined ? all : all.filter((stored) => predicate(stored.object));
}
