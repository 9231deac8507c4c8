import { badRequest, invalid } from '../failures.ts';
import type { ApiObject } from '../object.ts';
import { metadataCauses, pruneMetadata } from '../validation/metadata.ts';
import type { Call } from './context.ts';

/** Prunes, completes and checks an object that is about to be stored; throws 422, or 400 for unknown fields when strict. */
export function admitted(call: Call, next: ApiObject, previous: ApiObject | undefined): void {
  const { strategy } = call.kind;
  reportUnknown(call, [...pruneMetadata(next), ...(strategy.prune?.(next) ?? [])]);
  strategy.applyDefaults?.(next);
  const causes = [...metadataCauses(next, previous), ...(strategy.validate?.(next, previous) ?? [])];
  if (causes.length > 0) throw invalid(call.kind, next.metadata.name, causes);
}

/** As `fieldValidation` of the query says. */
export function reportUnknown(call: Call, paths: readonly string[]): void {
  if (paths.length === 0) return;
  const texts = paths.map((path) => `unknown field "${path}"`);
  const wanted = call.query.get('fieldValidation') ?? 'Warn';
  if (wanted === 'Strict') throw badRequest(`strict decoding error: ${texts.join(', ')}`);
  if (wanted === 'Warn') call.warnings.push(...texts);
}
