import type { AppliedManifestWork, ManifestWork, Module } from '@open-cluster-management/api-types';
import { canonicalJson, sha256Hex } from '../../../../shared/core/hash.ts';
import type { ObjectMeta } from '../../../../shared/kube/object.ts';

/**
 * What can be seen of an object, part by part: the parts of one status are written by several controllers of the real
 * agent, so only the order within each part is the same every time.
 */
export type Facets = Record<string, unknown>;

const textCharsMax = 64;

export function workFacets(work: ManifestWork): Facets {
  const facets: Facets = { ...metaFacets('work', work.metadata) };
  for (const condition of work.status?.conditions ?? []) facets[`work ${condition.type}`] = conditionText(condition);
  for (const [index, manifest] of (work.status?.resourceStatus?.manifests ?? []).entries()) {
    facets[`manifest ${index}`] = manifest.resourceMeta;
    for (const condition of manifest.conditions) {
      facets[`manifest ${index} ${condition.type}`] = conditionText(condition);
    }
    const values = (manifest.statusFeedback?.values ?? []).map(({ name, fieldValue }) => [
      name,
      shortTexts(fieldValue),
    ]);
    facets[`manifest ${index} feedback`] = Object.fromEntries(values);
  }
  return facets;
}

export function moduleFacets(module: Module): Facets {
  const { metadata, spec, status } = module;
  return {
    ...metaFacets('module', metadata),
    'module annotations': metadata.annotations ?? {},
    'module owners': (metadata.ownerReferences ?? []).map(
      ({ apiVersion, kind, name }) => `${apiVersion} ${kind} ${name}`,
    ),
    'module spec': shortTexts(spec),
    'module status': shortTexts(status ?? {}),
  };
}

export function appliedWorkFacets({ metadata, spec, status }: AppliedManifestWork): Facets {
  const resources = (status?.appliedResources ?? []).map(({ uid: _uid, ...rest }) => rest);
  const { generation: _generation, ...facets } = metaFacets('applied', metadata);
  return { ...facets, 'applied spec': spec, 'applied resources': resources };
}

function metaFacets(of: string, { deletionTimestamp, finalizers = [], generation }: ObjectMeta): Facets {
  const isDeleting = deletionTimestamp !== undefined;
  return {
    [of]: isDeleting ? 'deleting' : 'there',
    [`${of} generation`]: generation,
    // Whether the end of the last finalizer is a state of its own, or only the object's end is told, is up to the server.
    ...((finalizers.length > 0 || !isDeleting) && { [`${of} finalizers`]: finalizers }),
  };
}

function conditionText(condition: {
  status: string;
  reason: string;
  message: string;
  observedGeneration?: number;
}): string {
  const { status, reason, message, observedGeneration } = condition;
  return `${status} ${reason} ${observedGeneration === undefined ? '' : `@${observedGeneration} `}${message}`.trim();
}

/** Long texts by length and hash: a report of 4,096 characters is not repeated in the fixture for each look. */
function shortTexts(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, member: unknown) =>
    typeof member === 'string' && member.length > textCharsMax * 2
      ? `${member.length} characters, sha256 ${sha256Hex(member, 16)}`
      : member,
  );
}

/** Collects facets as they change: feed it every watch event, take what a step has shown. */
export class FacetLog {
  #current = new Map<string, string>();
  #steps: { facet: string; value: unknown }[][] = [[]];

  see(name: string, facets: Facets): void {
    for (const [facet, value] of Object.entries(facets)) {
      const key = `${name} ${facet}`;
      const text = canonicalJson(value);
      if (this.#current.get(key) === text) continue;
      this.#current.set(key, text);
      this.#steps.at(-1)?.push({ facet: key, value });
    }
  }

  /** The object is gone: what was known of it is forgotten, so that one made anew shows everything again. */
  gone(name: string, of: 'work' | 'module' | 'applied'): void {
    this.see(name, { [of]: 'gone' });
    const parts = of === 'work' ? ['work ', 'manifest '] : [`${of} `];
    for (const key of this.#current.keys()) {
      if (parts.some((part) => key.startsWith(`${name} ${part}`))) this.#current.delete(key);
    }
  }

  beginStep(): void {
    this.#steps.push([]);
  }

  /** What the present step has shown so far. */
  seen(): Record<string, unknown[]> {
    const seen: Record<string, unknown[]> = {};
    for (const { facet, value } of this.#steps.at(-1) ?? []) {
      seen[facet] ??= [];
      seen[facet].push(value);
    }
    return seen;
  }
}
