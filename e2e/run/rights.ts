import { programUsers } from '../world/fleet/users.ts';
import { ocmUsers } from '../world/ocm/names.ts';
import { type Exception, grants, judge } from '../world/rights/check.ts';
import type { Use } from '../world/rights/uses.ts';
import { readNotes } from './notes.ts';

/** What is as it should be although the roles and the requests differ. */
const exceptions: readonly Exception[] = [
  ...['managedclustermodules/finalizers', 'modules/finalizers'].map((resource) => ({
    verb: 'update',
    resource,
    why: 'asked by an admission plugin (OwnerReferencesPermissionEnforcement), never by a request',
  })),
  ...['list', 'watch', 'patch'].map((verb) => ({
    user: ocmUsers.workAgent,
    verb,
    resource: 'modules',
    why: "OCM's agent watches what it applied, and patches it; the stand-in reads and replaces",
  })),
  {
    user: programUsers.hub,
    verb: 'create',
    resource: 'builds/docker',
    why: 'asked by an admission plugin of OpenShift (BuildByStrategy), never by a request',
  },
  {
    verb: 'use',
    resource: 'securitycontextconstraints',
    why: 'asked by the admission of OpenShift for the pod that is made, never by a request',
  },
  {
    user: programUsers.spoke,
    verb: 'get',
    resource: 'daemonsets',
    why: 'for a DaemonSet of our name without our labels, which no watch of ours shows (spoke/module-loader/apply.test.ts)',
  },
];

/** Compares what was asked of the API servers with the roles of `deploy/`, and says it. `all`: unused rights count too. */
export function rightsLines(file: string, all: boolean): { lines: string[]; good: boolean } {
  const uses = readNotes<Use>(file);
  const granted = grants();
  const { refused, unused, stale } = judge(uses, granted, exceptions);
  const lines = refused.map(
    ({ user, verb, group, resource, namespace, name }) =>
      `refused: ${user} ${verb} ${resource}${group && `.${group}`} ${namespace}/${name}: grant it in deploy/, or do not ask`,
  );
  if (all) {
    lines.push(
      ...unused.map(
        ({ user, role, verb, group, resource, namespace }) =>
          `never used: ${user} may ${verb} ${resource}${group && `.${group}`}${namespace && ` in ${namespace}`} (${role}): take it out of deploy/, or test what needs it`,
      ),
      ...stale.map(({ verb, resource }) => `exception that nothing needs: ${verb} ${resource}`),
    );
  }
  const good = lines.length === 0;
  const summary = good ? 'as deploy/ has them' : `${lines.length} differences`;
  const scope = all ? '' : ' (a part of the journeys: rights that were not used are not looked at)';
  return {
    lines: [...lines, `rights: ${uses.length} kinds of requests, ${granted.length} grants: ${summary}${scope}`],
    good,
  };
}
