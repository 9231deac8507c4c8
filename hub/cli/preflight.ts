import type { ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import type { ClusterView } from '../fleet/cluster.ts';
import { selects } from '../fleet/selection.ts';
import { type ModuleView, viewModule } from '../managed-cluster-module/module-view.ts';
import { reasons } from '../managed-cluster-module/reasons.ts';
import { type Revision, RevisionViews, wantedRevision } from '../managed-cluster-module/revision.ts';
import { mappingsIn, viewWork } from '../managed-cluster-module/work.ts';
import { makerOf } from './plan-images.ts';

export interface PreflightInput {
  kernel: string;
  module: ManagedClusterModule;
  clusters: readonly ClusterView[];
  works: readonly ManifestWork[];
  /** Versions that clusters may have; undefined: the caller may not read them. */
  revisions: readonly ControllerRevision[] | undefined;
  operatorNamespace: string;
}

/** The version of these clusters is there for all that is known, and the caller may not see it. */
export const notReadable = 'VersionNotReadable';

/** What clusters of one module and one version would get on the kernel. */
export interface Preflight {
  module: string;
  version: string;
  clusters: string[];
  /** How many of them have the module now, on any kernel: they would lose it. */
  have: number;
  /** `Served`: shipped already, or the image is known to be there. `NotKnown`: a mapping, and nothing known of its image. */
  verdict: 'Served' | 'NotKnown' | 'NotServed';
  reason: string;
  message: string;
  image?: string;
}

/** By version, because a cluster is served from the one that it has until its turn comes. Modules without loader need no kernel. Pure. */
export function preflight(input: PreflightInput): Preflight[] {
  const { module, kernel, operatorNamespace } = input;
  const view = viewModule(module);
  const works = new Map(input.works.map((work) => [work.metadata.namespace, work]));
  const selected = input.clusters.filter((each) => !each.leaving && selects(view.selector, each.labels));
  const revisionAt = revisions(input, view);
  const groups = Map.groupBy(selected, ({ name }) => {
    const work = works.get(name);
    const shipped = work === undefined ? undefined : shippedImage(work, view, kernel);
    return JSON.stringify([versionOf(work) ?? view.wanted?.revision ?? '', shipped ?? '']);
  });
  return [...groups].map(([key, clusters]) => {
    const [version = '', shipped = ''] = JSON.parse(key) as string[];
    const names = clusters.map(({ name }) => name);
    const revision = revisionAt(version);
    const loaderless = revision !== undefined && revision.moduleSpec.moduleLoader === undefined;
    const judged = loaderless
      ? served('the Module has no moduleLoader: it needs no kernel')
      : shipped !== ''
        ? { ...served('its work maps this kernel already'), image: shipped }
        : revision === undefined
          ? unread(input, view, version)
          : judgeKernel({ revision, kernel, module, view, operatorNamespace });
    return {
      module: view.name,
      version,
      clusters: names.sort(),
      have: names.filter((name) => works.has(name)).length,
      ...judged,
    };
  });
}

type Judgement = Pick<Preflight, 'verdict' | 'reason' | 'message' | 'image'>;

function served(message: string): Judgement {
  return { verdict: 'Served', reason: 'Served', message };
}

function versionOf(work: ManifestWork | undefined): string | undefined {
  return work?.metadata.annotations?.[annotations.revision];
}

function shippedImage(work: ManifestWork, view: ModuleView, kernel: string): string | undefined {
  const { spec } = viewWork(work, view.spokeNamespace, 'unchecked');
  return mappingsIn(spec).find(({ literal }) => literal === kernel)?.containerImage;
}

function revisions(
  { revisions: objects = [] }: PreflightInput,
  view: ModuleView,
): (name: string) => Revision | undefined {
  const views = new RevisionViews();
  const byName = new Map(objects.map((object) => [object.metadata.name, object]));
  const current = wantedRevision(view);
  return (name) => {
    if (current?.name === name) return current;
    const object = byName.get(name);
    return object === undefined ? undefined : views.of(object, view);
  };
}

/** Why nothing can be said of a version: a right that is missing is not mended by an edit of the spec. */
function unread({ revisions, operatorNamespace }: PreflightInput, { hold }: ModuleView, version: string): Judgement {
  const unknown = (reason: string, message: string) => ({ verdict: 'NotKnown', reason, message }) as const;
  if (version === '') return unknown(reasons.invalidSpec, hold?.message ?? 'its spec cannot be used');
  if (revisions === undefined) {
    const message = `you may not list controllerrevisions in namespace ${operatorNamespace}; these clusters have ${version}`;
    return unknown(notReadable, message);
  }
  const message = `ControllerRevision ${version} is not kept in namespace ${operatorNamespace} (does the hub run there? -n)`;
  return unknown(reasons.revisionLost, message);
}

interface Question {
  revision: Revision;
  kernel: string;
  module: ManagedClusterModule;
  view: ModuleView;
  operatorNamespace: string;
}

function judgeKernel({ revision, kernel, module, view, operatorNamespace }: Question): Judgement {
  const answer = revision.resolve(kernel);
  if (answer.kind === 'none') return refused(reasons.noMapping, 'no kernel mapping matches');
  if (answer.kind === 'error') return refused(reasons.mappingError, answer.message);
  const image = answer.mapping.containerImage;
  if (view.imageCheck === 'Skip') return { ...served('shipped by name, not checked (imageCheck: Skip)'), image };
  const entry = module.status?.images?.find((each) => each.kernelVersion === kernel && each.image === image);
  if (entry?.state === 'Verified') return { ...served('the registry has the image'), image };
  if (entry?.state === 'Missing' || entry?.state === 'Failed') {
    return { ...refused(entry.reason ?? reasons.imageMissing, entry.message ?? 'the registry has it not'), image };
  }
  const maker = makerOf(revision, kernel, operatorNamespace);
  if (maker === 'InvalidRecipe') return { ...refused('RecipeInvalid', 'build or sign of its mapping is wrong'), image };
  const made = maker === 'Nobody' ? 'nobody makes it' : 'the hub makes it when a cluster names the kernel';
  const said = entry === undefined ? 'the hub has not looked for it yet' : `${entry.state}: ${entry.message ?? ''}`;
  return { verdict: 'NotKnown', reason: 'NotKnown', message: `${said}; ${made}`, image };
}

function refused(reason: string, message: string): Judgement {
  return { verdict: 'NotServed', reason, message };
}
