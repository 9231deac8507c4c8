import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { printable } from '../managed-cluster-module/feedback.ts';
import { differences } from './differences.ts';
import { exitCodes } from './failures.ts';
import { alignedLines, counted, someOf } from './lines.ts';
import type { FleetPlan } from './plan.ts';
import type { Change } from './plan-cluster.ts';
import { imageCheckChange, imageCheckLines } from './plan-image-check.ts';
import type { PlannedImage } from './plan-images.ts';
import { upcomingChanges, upcomingLines } from './plan-upcoming.ts';
import { waveLines, wavesOfPlan } from './plan-waves.ts';
import type { Report } from './report.ts';

export interface PlanPicture {
  plan: FleetPlan;
  images: readonly PlannedImage[];
  present: ManagedClusterModule | undefined;
  wanted: ManagedClusterModule;
}

const changes: readonly [Change, string][] = [
  ['new', 'get the module'],
  ['changed', 'get the new version'],
  ['extended', 'keep the version and get further kernels'],
  ['removed', 'lose the module: it is unloaded'],
  ['blocked', 'cannot be served'],
  ['unreachable', 'get it when they can be reached again'],
  ['unchanged', 'stay as they are'],
];
const makers: Readonly<Record<PlannedImage['madeBy'], string>> = {
  Nobody: 'must be in the registry',
  Build: 'is built if the registry has it not',
  Sign: 'is signed if the registry has it not',
  BuildAndSign: 'is built and signed if the registry has it not',
  InvalidRecipe: 'cannot be made: its recipe is wrong',
};
const differencesMax = 20;

/** What `plan` shows. Pure. */
export function planReport({ plan, images, present, wanted }: PlanPicture): Report {
  const { view, before, after, clusters } = plan;
  const fields = present === undefined ? [] : differences(present.spec, wanted.spec, 'spec');
  const rows = changes.flatMap(([change, meaning]) => {
    const names = clusters.filter((cluster) => cluster.change === change).map(({ cluster }) => cluster);
    return names.length === 0 ? [] : [[`${names.length}`, meaning, someOf(names)]];
  });
  const lines = [
    `${view.name}: ${versionText(present, before, after)}`,
    ...(view.hold === undefined ? [] : [`  held: ${view.hold.message}`]),
    ...view.problems.map(({ reason, message }) => `  ${reason}: ${message}`),
    ...shortList(fields, differencesMax, 'field'),
    '',
    ...(rows.length === 0 ? ['no cluster is selected'] : alignedLines(['CLUSTERS', 'WOULD', 'NAMES'], rows).lines),
    ...troubles(plan),
    ...upcomingLines(plan),
    ...imageCheckLines(plan),
    ...waveLines(plan),
    ...(images.length === 0 ? [] : ['', ...imageLines(images)]),
    '',
    'Nothing was written. Not known from here: whether an image exists that the status does not name, and what it holds; how',
    'long a wave takes; kernels that clusters have not named yet. All fields that FILE leaves out count as taken away.',
  ].map(printable);
  return { lines, data: dataOf({ plan, images, present, wanted }, fields), code: exitCodes.fine };
}

function versionText(
  present: ManagedClusterModule | undefined,
  before: FleetPlan['before'],
  after: FleetPlan['after'],
): string {
  if (present === undefined) return `is new, version ${after.name}`;
  if (before?.name === after.name) return `the version stays ${after.name}`;
  return `a new version ${after.name}, now ${before?.name ?? 'an invalid one'}`;
}

function shortList(texts: readonly string[], max: number, what: string): string[] {
  const more = texts.length > max ? [`  and ${counted(texts.length - max, what)} more`] : [];
  return [...texts.slice(0, max).map((text) => `  ${text}`), ...more];
}

/** Clusters that are in the way of themselves, and kernels that lose the module, by reason and kernel. */
function troubles({ clusters }: FleetPlan): string[] {
  const blocked = clusters.filter(({ change }) => change === 'blocked');
  const byWhy = Map.groupBy(blocked, ({ why }) => why[0]?.reason ?? 'Waiting');
  const lost = clusters.flatMap(({ cluster, lost: kernels }) => kernels.map((kernel) => ({ cluster, kernel })));
  const byKernel = Map.groupBy(lost, ({ kernel }) => kernel);
  const lines = [
    ...[...byWhy].map(
      ([reason, all]) => `${reason}: ${someOf(all.map(({ cluster }) => cluster))}: ${all[0]?.why[0]?.message ?? ''}`,
    ),
    ...[...byKernel].map(
      ([kernel, all]) =>
        `kernel ${kernel} is mapped now and would not be: ${someOf(all.map(({ cluster }) => cluster))}`,
    ),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

function imageLines(images: readonly PlannedImage[]): string[] {
  const rows = images.map(({ kernel, image, clusters, madeBy, known }) => [
    kernel,
    image,
    `${clusters}`,
    known ?? 'not known',
    makers[madeBy],
  ]);
  return alignedLines(['KERNEL', 'IMAGE', 'CLUSTERS', 'NOW', 'IT'], rows).lines;
}

function dataOf({ plan, images, present }: PlanPicture, fields: readonly string[]) {
  return {
    module: plan.view.name,
    isNew: present === undefined,
    before: plan.before?.name,
    after: plan.after.name,
    hold: plan.view.hold,
    fields,
    clusters: plan.clusters.map(({ cluster, change, why, lost }) => ({ cluster, change, why, lost })),
    images,
    upcoming: upcomingChanges(plan),
    imageCheck: imageCheckChange(plan),
    waves: wavesOfPlan(plan),
  };
}
