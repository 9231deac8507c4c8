import { boundRoles, deployed, type RoleRule } from '../../../shared/testing/deployed.ts';
import { userOf } from './rbac.ts';
import type { Use } from './uses.ts';

/** One verb on one resource that a role of `deploy/` gives to a user. */
export interface Grant {
  readonly user: string;
  readonly role: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** Empty: in all namespaces, or for what has none. */
  readonly namespace: string;
  /** Empty: any. */
  readonly names: readonly string[];
}

/** All that `deploy/` grants to service accounts, one verb each. Rights on paths are not looked at: they are of people. */
export function grants(): Grant[] {
  // What is bound in one namespace is a role of deploy/spoke.
  const applied = [[...deployed('hub-openshift')], [...deployed('spoke'), ...deployed('spoke-images')]];
  return applied.flatMap((objects) =>
    boundRoles(objects.map(({ object }) => object)).flatMap(({ role, subject, namespace = '' }) =>
      role.rules
        .flatMap(ofRule)
        .map((part) => ({ ...part, user: userOf(subject), role: role.metadata.name, namespace })),
    ),
  );
}

function ofRule({ apiGroups = [], resources = [], resourceNames: names = [], verbs }: RoleRule) {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb, names }))),
  );
}

/** A grant that nobody has to use, and why; or a refusal that is as it should be. */
export interface Exception {
  readonly user?: string;
  readonly verb: string;
  readonly resource: string;
  readonly why: string;
}

export interface Verdict {
  /** Asked and refused. */
  readonly refused: readonly Use[];
  /** Granted and never used. */
  readonly unused: readonly Grant[];
  /** Exceptions of which there is neither such a grant nor such a refusal. What a race alone asks for may well be used one day. */
  readonly stale: readonly Exception[];
}

/** Compares what was asked with what is granted. */
export function judge(uses: readonly Use[], granted: readonly Grant[], exceptions: readonly Exception[]): Verdict {
  const users = new Set(granted.map(({ user }) => user));
  const refused = uses.filter(({ allowed, user }) => !allowed && users.has(user));
  const unused = granted.filter((grant) => !uses.some((use) => isUse(use, grant)));
  const notExcepted = (of: Use | Grant) => !exceptions.some((exception) => isOf(exception, of));
  return {
    refused: refused.filter(notExcepted),
    unused: unused.filter(notExcepted),
    stale: exceptions.filter((exception) => ![...granted, ...refused].some((of) => isOf(exception, of))),
  };
}

function isOf({ user, verb, resource }: Exception, of: Use | Grant): boolean {
  return (user === undefined || user === of.user) && verb === of.verb && resource === of.resource;
}

function isUse(use: Use, grant: Grant): boolean {
  return (
    use.allowed &&
    use.user === grant.user &&
    use.verb === grant.verb &&
    use.group === grant.group &&
    use.resource === grant.resource &&
    (grant.namespace === '' || use.namespace === grant.namespace) &&
    (grant.names.length === 0 || grant.names.includes(use.name))
  );
}
