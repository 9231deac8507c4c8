import { appendFileSync } from 'node:fs';
import type { Right } from '../fleet/plane.ts';
import type { Tally } from '../fleet/tally.ts';
import { programUsers } from '../fleet/users.ts';
import { ocmUsers } from '../ocm/names.ts';
import { type AuditLog, resourceOf } from '../real/audit-log.ts';

/** Where the uses of rights are noted, one JSON line each; unset: nowhere. */
export const usesVariable = 'KMM_E2E_RIGHTS';

/** That a user has asked for something, allowed or not: once for many requests alike. */
export interface Use {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** `modules/status`. */
  readonly resource: string;
  /** Empty for what has none. */
  readonly namespace: string;
  readonly name: string;
  readonly allowed: boolean;
}

const programs = new Set<string>(Object.values(programUsers));
const watched = new Set<string>([...programs, ocmUsers.workAgent]);

/** Adds what our programs and the work agent have asked to the notes, and counts; refusals that a journey has arranged are no use. */
export async function noteUses(log: AuditLog, withheld: readonly Right[]): Promise<Tally> {
  const file = process.env[usesVariable];
  const uses = new Map<string, Use>();
  const tally = { requests: 0, ours: 0 };
  for await (const event of log.events()) {
    const user = event.user.username ?? '';
    tally.requests += 1;
    if (programs.has(user)) tally.ours += 1;
    const decision = event.annotations?.['authorization.k8s.io/decision'];
    if (!watched.has(user) || decision === undefined) continue;
    const { apiGroup: group = '', namespace = '', name = '' } = event.objectRef ?? {};
    const use = { user, verb: event.verb, group, resource: resourceOf(event), namespace, name };
    const allowed = decision === 'allow';
    if (!allowed && withheld.some((right) => isOf(right, use))) continue;
    uses.set(JSON.stringify([use, allowed]), { ...use, allowed });
  }
  if (file) appendFileSync(file, [...uses.values()].map((use) => `${JSON.stringify(use)}\n`).join(''));
  return tally;
}

function isOf({ user, resource, verbs }: Right, use: Pick<Use, 'user' | 'resource' | 'verb'>): boolean {
  return user === use.user && resource === use.resource && verbs.includes(use.verb);
}
