import type { ManifestWork } from '@open-cluster-management/api-types';
import { type Owner, ownership } from '../../shared/kube/ownership.ts';
import { parseReference } from '../../shared/registry/reference.ts';
import type { Revision } from './revision.ts';
import { mappingsIn, viewWork, workLabel } from './work.ts';

/** The ManagedClusterModule whose digests they are. */
export interface DigestScope {
  name: string;
  owner: Owner;
  spokeNamespace: string;
}

/** Where works of one revision are found. */
export interface ShippedWorks {
  /** Works of the name of `module` that name this revision, whoever owns them. */
  ofRevision(module: string, revision: string): readonly ManifestWork[];
}

/**
 * The digests that were fixed per (revision, image name): a moved tag never moves a fleet (contract 3). The trigger
 * generation is a part of the `moduleSpec`, and so of the revision.
 *
 * After a restart they are read back from the works. Cost: one pass over the works of a revision when it is first asked
 * about, of a few map look-ups each; hashes are checked only until the first genuine work of a digest is found.
 */
export class Digests {
  #fixed = new Map<string, Map<string, string>>();
  #works: ShippedWorks;

  constructor(works: ShippedWorks) {
    this.#works = works;
  }

  /** Of an image that is made (`kernel`), what was verified for that kernel: another's module says nothing of this one's. */
  of(module: DigestScope, revision: Revision, image: string, kernel?: string): string | undefined {
    return this.#ofRevision(module, revision).get(kernel === undefined ? image : kernelKey(image, kernel));
  }

  /** From now on this revision ships the image with this digest and no other; the first word counts. */
  fix(module: DigestScope, revision: Revision, verified: { image: string; kernel: string; digest: string }): void {
    const known = this.#ofRevision(module, revision);
    const { image, kernel, digest } = verified;
    for (const key of [image, kernelKey(image, kernel)]) if (!known.has(key)) known.set(key, digest);
  }

  forget(module: string): void {
    for (const key of this.#fixed.keys()) if (key.startsWith(`${module}/`)) this.#fixed.delete(key);
  }

  #ofRevision(module: DigestScope, revision: Revision): Map<string, string> {
    const { name, owner, spokeNamespace } = module;
    // An object that was made anew begins anew, also where its namesake's versions have the same names.
    const key = `${name}/${owner.uid}/${revision.name}`;
    const known = this.#fixed.get(key);
    if (known !== undefined) return known;
    const works = this.#works.ofRevision(name, revision.name).filter((work) => isOf(module, work));
    const read = readBack(works, revision, spokeNamespace);
    this.#fixed.set(key, read);
    return read;
  }
}

/** A work that goes with its former owner says nothing about the present one. */
function isOf({ name, owner }: DigestScope, work: ManifestWork): boolean {
  const whose = ownership(work, owner, workLabel(name));
  return whose === 'ours' || (whose === 'adoptable' && work.metadata.deletionTimestamp === undefined);
}

/**
 * What most works say. A cluster may write its own work (OCM's agents may), hash included: one of them must not decide for
 * the fleet after a restart. Where as many works say one thing as another, the registry is asked again.
 */
function readBack(works: readonly ManifestWork[], revision: Revision, spokeNamespace: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [image, byDigest] of worksByDigest(works, revision, spokeNamespace)) {
    const isGenuine = (work: ManifestWork) => viewWork(work, spokeNamespace).genuine;
    // Only works that nobody edited by hand count at all.
    const candidates = [...byDigest].filter(([, those]) => those.some(isGenuine));
    const [first, second] = candidates.sort(([, a], [, b]) => b.length - a.length);
    if (first !== undefined && first[1].length !== second?.[1].length) found.set(image, first[0]);
  }
  return found;
}

/** No image name holds a space. */
function kernelKey(image: string, kernel: string): string {
  return `${image} ${kernel}`;
}

/** Image name, alone and with each kernel → digest → the works that ship it so. */
function worksByDigest(works: readonly ManifestWork[], revision: Revision, spokeNamespace: string) {
  const found = new Map<string, Map<string, ManifestWork[]>>();
  for (const work of works) {
    for (const { literal, containerImage } of mappingsIn(viewWork(work, spokeNamespace, 'unchecked').spec)) {
      const answer = revision.resolve(literal);
      if (answer.kind !== 'match') continue;
      const image = answer.mapping.containerImage;
      const digest = digestOf(containerImage, image);
      if (digest === undefined) continue;
      for (const key of [image, kernelKey(image, literal)]) {
        const byDigest = found.get(key) ?? new Map<string, ManifestWork[]>();
        const those = byDigest.get(digest) ?? [];
        those.push(work);
        found.set(key, byDigest.set(digest, those));
      }
    }
  }
  return found;
}

/** The digest that `shipped` fixes, if it is of the repository that `named` names. */
function digestOf(shipped: string, named: string): string | undefined {
  const [pinned, wanted] = [parseReference(shipped), parseReference(named)];
  if (pinned.kind === 'invalid' || wanted.kind === 'invalid') return undefined;
  const { registry, repository, digest } = pinned.reference;
  const sameRepository = registry === wanted.reference.registry && repository === wanted.reference.repository;
  return sameRepository ? digest : undefined;
}
