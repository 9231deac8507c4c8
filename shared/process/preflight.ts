import { type Clock, sleep } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/object.ts';

/** A kind that the program cannot work without. `namespace`: where it may be listed; absent: in all. */
export interface Requirement {
  resource: Resource<KubeObject>;
  namespace?: string;
  /** What else may be done where there is no such kind. */
  hint?: string;
}

/** Who starts it wants to know within seconds. */
export const preflightMsMax = 10_000;

/**
 * Asks once for each required kind, one object of it, and returns what is missing: the server, its definition, or the
 * right to list it; nothing when `signal` aborts first. Found at start it is one clear line; found later it would be a cache that never syncs.
 */
export async function missingRequirements(
  client: KubeClient,
  requirements: readonly Requirement[],
  options: { clock: Clock; signal: AbortSignal },
): Promise<string[]> {
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, options.signal]);
  const late = sleep(options.clock, preflightMsMax, signal).then((): (string | undefined)[] =>
    options.signal.aborted ? [] : [`cannot reach the API server: no answer within ${preflightMsMax / 1000} s`],
  );
  const asked = Promise.all(requirements.map((requirement) => problemOf(client, requirement, signal)));
  try {
    const problems = await Promise.race([late, asked]);
    return [...new Set(problems.filter((problem) => problem !== undefined))];
  } finally {
    ended.abort();
  }
}

async function problemOf(
  client: KubeClient,
  { resource, namespace, hint }: Requirement,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
  try {
    await client.list(resource, { namespace, limit: 1, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof KubeError)) return `${name}: ${errorMessage(error)}`;
    if (error.status === 404)
      return `the API server does not know ${name} (${resource.version}): install its CustomResourceDefinition${hint ? `, or ${hint}` : ''}`;
    return refusalOf(error, `list ${name}${namespace === undefined ? '' : ` in namespace ${namespace}`}`);
  }
}

/** Why the API server does not let us do `what` ("list pods"), in one line. */
export function refusalOf(error: KubeError, what: string): string {
  switch (error.status) {
    case 0:
      return `cannot reach the API server: ${error.message}`;
    case 401:
      return `the API server refuses our credentials: ${error.message}`;
    case 403:
      return `no right to ${what}: ${error.message}`;
    default:
      return `cannot ${what}: the API server answers ${error.status}: ${error.message}`;
  }
}
