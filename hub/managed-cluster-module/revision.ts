import type { ModuleSpec } from '@open-cluster-management/api-types';
import { type RecipeResult, recipeOf } from '../../shared/images/recipe.ts';
import { type MappingResult, type ResolvedMapping, resolveMapping } from '../../shared/kernel/mapping.ts';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import type { ModuleView } from './module-view.ts';
import { moduleSpecOf } from './revisions.ts';

/** One version of a `moduleSpec`, as a ControllerRevision keeps it (contract 2). */
export interface Revision {
  /** Of the ControllerRevision. */
  name: string;
  moduleSpec: ModuleSpec;
  /** What this version says for a kernel; the same question costs once. `none` without `moduleLoader`. */
  resolve(kernel: string): MappingResult;
  /** How the image of an answer is made; `operatorNamespace` is where that happens. The same question costs once. */
  recipe(mapping: ResolvedMapping, operatorNamespace: string): RecipeResult;
}

/** Answers kept per revision: kernels are text from clusters, so their number has no natural bound. */
const answersMax = 2048;

/** `MOD_NAMESPACE` is the spoke's namespace wherever an image is named (trap T5). */
export function revisionOf(
  name: string,
  moduleSpec: ModuleSpec,
  identity: { name: string; namespace: string },
): Revision {
  const answers = new Map<string, MappingResult>();
  const resolve = (kernel: string): MappingResult => {
    const known = answers.get(kernel);
    if (known !== undefined) return known;
    const container = moduleSpec.moduleLoader?.container;
    const answer: MappingResult = container ? resolveMapping(container, kernel, identity) : { kind: 'none' };
    if (answers.size >= answersMax) answers.clear();
    answers.set(kernel, answer);
    return answer;
  };
  const recipes = new WeakMap<ResolvedMapping, RecipeResult>();
  const recipe = (mapping: ResolvedMapping, operatorNamespace: string): RecipeResult => {
    const known = recipes.get(mapping);
    if (known !== undefined) return known;
    const container = moduleSpec.moduleLoader?.container;
    const imageRepoSecret = moduleSpec.imageRepoSecret?.name;
    const made: RecipeResult = container
      ? recipeOf({ container, mapping, identity, imageRepoSecret, operatorNamespace })
      : { kind: 'none' };
    recipes.set(mapping, made);
    return made;
  };
  return { name, moduleSpec, resolve, recipe };
}

/** The version that the spec says now, whether or not it is recorded; undefined for a spec that cannot be used. */
export function wantedRevision({ wanted, name, spokeNamespace }: ModuleView): Revision | undefined {
  return wanted && revisionOf(wanted.revision, wanted.moduleSpec, { name, namespace: spokeNamespace });
}

/** Revisions by object, so that all clusters of a version share its answers. */
export class RevisionViews {
  #views = new WeakMap<ControllerRevision, { spokeNamespace: string; revision: Revision | undefined }>();

  /** Undefined when the object holds no `moduleSpec`. */
  of(object: ControllerRevision, module: { name: string; spokeNamespace: string }): Revision | undefined {
    const { name, spokeNamespace } = module;
    const known = this.#views.get(object);
    // A ManagedClusterModule that was made anew with another namespace finds the versions of its namesake.
    if (known?.spokeNamespace === spokeNamespace) return known.revision;
    const spec = moduleSpecOf(object);
    const identity = { name, namespace: spokeNamespace };
    const revision = spec === undefined ? undefined : revisionOf(object.metadata.name, spec, identity);
    this.#views.set(object, { spokeNamespace, revision });
    return revision;
  }
}
