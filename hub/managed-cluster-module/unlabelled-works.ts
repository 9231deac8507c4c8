import type { ManifestWork } from '@open-cluster-management/api-types';
import type { ObjectRef } from '../../shared/kube/object.ts';
import { refKey } from '../../shared/kube/object.ts';

/** How long what was read of such a work is believed: no watch tells of its end. */
export const unlabelledMs = 5 * 60_000;

/**
 * Works that have the name of one of ours but not our label: someone else's, or one of ours whose label was taken off.
 * The hub watches labelled works only, because a hub of many clusters holds a hundred thousand others; it meets these when
 * a create is answered with AlreadyExists. Cost: one entry each, and two requests each `unlabelledMs`.
 */
export class UnlabelledWorks {
  #found = new Map<string, { work: ManifestWork; untilMs: number }>();

  note(work: ManifestWork, passedMs: number): void {
    this.#found.set(refKey(work.metadata), { work, untilMs: passedMs + unlabelledMs });
  }

  get(ref: ObjectRef, passedMs: number): ManifestWork | undefined {
    const found = this.#found.get(refKey(ref));
    if (found === undefined || passedMs < found.untilMs) return found?.work;
    this.forget(ref);
    return undefined;
  }

  forget(ref: ObjectRef): void {
    this.#found.delete(refKey(ref));
  }
}
