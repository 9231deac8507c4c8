import { canonicalJson } from '../../shared/core/hash.ts';
import type { ImageRequest } from '../../shared/images/checks.ts';
import { splitClusterKey } from './keys.ts';

/** An image that a cluster cannot get before it is verified. */
export interface WantedImage {
  /** Two revisions may name an image alike and mean different contents of its tag. */
  revision: string;
  request: ImageRequest;
  /** `imageRebuildTriggerGeneration` of the revision. */
  generation: number | undefined;
}

/** `shared/images`' ImageChecks, as far as demand drives it. */
export interface Checks {
  want(wantedBy: string, requests: readonly ImageRequest[], generation?: number): void;
  forget(wantedBy: string): void;
  warnings(wantedBy: string): readonly string[];
}

/**
 * Who waits for which image. The checks are told of each (module, revision, image) once, whatever the number of clusters;
 * an answer wakes exactly the clusters that wait for it. Cost: a look at one cluster touches that cluster's images only.
 */
export class Demand {
  #checks: Checks;
  /** Token of an image → the clusters (keys) that wait for it. */
  #waiting = new Map<string, Set<string>>();
  /** Cluster (key) → tokens. */
  #tokens = new Map<string, ReadonlySet<string>>();
  /** Module → token → what to warn of; outlives the wait, so that a warning stays while the module does. */
  #warnings = new Map<string, Map<string, readonly string[]>>();

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  /** Replaces what the cluster with this key (`module/cluster`) waits for. */
  set(key: string, images: readonly WantedImage[]): void {
    const before = this.#tokens.get(key);
    if (before === undefined && images.length === 0) return;
    const { module } = splitClusterKey(key);
    const wanted = new Map(images.map((image) => [tokenOf(module, image), image]));
    if (wanted.size === 0) this.#tokens.delete(key);
    else this.#tokens.set(key, new Set(wanted.keys()));
    for (const [token, { request, generation }] of wanted) {
      const clusters = this.#waiting.get(token);
      if (clusters === undefined) {
        this.#waiting.set(token, new Set([key]));
        this.#checks.want(token, [request], generation);
      } else clusters.add(key);
    }
    for (const token of before ?? []) if (!wanted.has(token)) this.#release(token, key);
  }

  /** The clusters that wait for what `tokens` name: what the checks' `onChange` gives. */
  waitingFor(tokens: readonly string[]): string[] {
    const keys = new Set<string>();
    for (const token of tokens) {
      this.#remember(token);
      for (const key of this.#waiting.get(token) ?? []) keys.add(key);
    }
    return [...keys];
  }

  warnings(module: string, revision: string | undefined): string[] {
    const known = [...(this.#warnings.get(module) ?? [])].filter(([token]) => tokenOwner(token).revision === revision);
    return [...new Set(known.flatMap(([, warnings]) => warnings))].sort();
  }

  forget(module: string): void {
    this.#warnings.delete(module);
    for (const key of this.#tokens.keys()) if (splitClusterKey(key).module === module) this.set(key, []);
  }

  #release(token: string, key: string): void {
    const clusters = this.#waiting.get(token);
    clusters?.delete(key);
    if (clusters === undefined || clusters.size > 0) return;
    this.#waiting.delete(token);
    this.#checks.forget(token);
  }

  /** Of what nobody waits for any more the checks know nothing: the last word stays. */
  #remember(token: string): void {
    if (!this.#waiting.has(token)) return;
    const { module } = tokenOwner(token);
    const known = this.#warnings.get(module) ?? new Map<string, readonly string[]>();
    const warnings = this.#checks.warnings(token);
    if (warnings.length === 0) known.delete(token);
    else known.set(token, warnings);
    this.#warnings.set(module, known);
  }
}

/** How an image is made follows from the revision and the kernel. */
function tokenOf(module: string, { revision, request, generation }: WantedImage): string {
  const { recipe, ...asked } = request;
  return canonicalJson([module, revision, asked, recipe?.kernel ?? null, generation ?? null]);
}

/** The module and the revision that a token is of. */
export function tokenOwner(token: string): { module: string; revision: string } {
  const [module, revision] = JSON.parse(token) as [string, string];
  return { module, revision };
}
