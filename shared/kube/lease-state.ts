import { assert } from '../core/assert.ts';
import type { Lease } from './object.ts';

/**
 * Who may lead, judged as client-go does: by how long *we* have seen the lease unchanged, never by its timestamps.
 * Clocks of different nodes need not agree.
 */
export interface Observed {
  lease: Lease | undefined;
  /** When `lease` last changed as far as we saw, by the time that passes here: no clock that is set forward ends another's lease. */
  changedAtMs: number;
}

/** The time from which `lease` counts as unchanged. */
export function observe(before: Observed | undefined, lease: Lease | undefined, passedMs: number): Observed {
  const same = before !== undefined && record(before.lease) === record(lease);
  return { lease, changedAtMs: same ? before.changedAtMs : passedMs };
}

/** Whether someone else holds the lease and may still be alive. */
export function heldByOther(observed: Observed, identity: string, passedMs: number): boolean {
  const spec = observed.lease?.spec;
  if (!spec?.holderIdentity || spec.holderIdentity === identity) return false;
  return passedMs < observed.changedAtMs + (spec.leaseDurationSeconds ?? 0) * 1000;
}

/** The lease with us as its holder: to be written over `present`, or created when there is none. */
export function leaseHeldBy(
  identity: string,
  options: { present: Lease | undefined; namespace: string; name: string; durationMs: number; nowMs: number },
): Lease {
  const { present, namespace, name } = options;
  const now = microTime(options.nowMs);
  const before = present?.spec;
  const taken = before?.holderIdentity !== identity;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: present?.metadata ?? { name, namespace },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(options.durationMs / 1000)),
      acquireTime: taken ? now : (before?.acquireTime ?? now),
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (taken && present !== undefined ? 1 : 0),
    },
  };
}

/** The lease given back: anyone may take it at once. */
export function released(lease: Lease, nowMs: number): Lease {
  assert(lease.spec !== undefined, 'a lease that we held has a spec');
  return {
    ...lease,
    spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(nowMs) },
  };
}

/** metav1.MicroTime. */
export function microTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('Z', '000Z');
}

function record(lease: Lease | undefined): string {
  return JSON.stringify([lease?.metadata.uid, lease?.spec]);
}
