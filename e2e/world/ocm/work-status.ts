import type { FeedbackValue, ManifestStatus, ManifestWork } from '@open-cluster-management/api-types';
import { type ConditionState, withConditions } from '../../../shared/core/conditions.ts';
import { readField } from './field-value.ts';
import type { AnyObject } from './kinds.ts';

/** What the work agent says of a work; pure. Reasons and messages are those of the real agent. */

export type WorkStatus = NonNullable<ManifestWork['status']>;
export type ResourceMeta = Required<ManifestStatus['resourceMeta']>;

interface Moment {
  work: ManifestWork;
  nowText: string;
}

/** After an attempt to apply: one entry a manifest, and whether all of them are in. */
export function withApplied(moment: Moment, results: readonly { meta: ResourceMeta; error?: string }[]): WorkStatus {
  const { work, nowText } = moment;
  const manifests = results.map(({ meta, error }): ManifestStatus => {
    const present = manifestStatus(work, meta);
    const applied: ConditionState = {
      type: 'Applied',
      ...(error === undefined
        ? { status: 'True', reason: 'AppliedManifestComplete', message: 'Apply manifest complete' }
        : { status: 'False', reason: 'AppliedManifestFailed', message: `Failed to apply manifest: ${error}` }),
      observedGeneration: work.metadata.generation ?? 0,
    };
    return {
      resourceMeta: meta,
      conditions: withConditions(present?.conditions ?? [], [applied], nowText),
      statusFeedback: present?.statusFeedback ?? {},
    };
  });
  const failed = results.some(({ error }) => error !== undefined);
  return withCondition(
    moment,
    { ...work.status, resourceStatus: { manifests } },
    {
      type: 'Applied',
      status: failed ? 'False' : 'True',
      reason: failed ? 'AppliedManifestWorkFailed' : 'AppliedManifestWorkComplete',
      message: failed ? 'Failed to apply manifest work' : 'Apply manifest work complete',
    },
  );
}

/** What was found of one manifest's object on the spoke. */
export type Sight =
  | { kind: 'found'; object: AnyObject }
  | { kind: 'missing' }
  | { kind: 'failed'; message: string }
  /** The kind is not served, so there is nothing to look for. */
  | { kind: 'incomplete' };

/** After a look at the objects (`sights` in the order of the status' manifests): are they there, and what do they report. */
export function withAvailability(moment: Moment, sights: readonly Sight[]): WorkStatus {
  const { work, nowText } = moment;
  const present = work.status?.resourceStatus?.manifests ?? [];
  const manifests = present.map((manifest, index): ManifestStatus => {
    const sight = sights[index] ?? { kind: 'incomplete' };
    const available: ConditionState = { type: 'Available', ...availability(sight) };
    if (sight.kind !== 'found') {
      return { ...manifest, conditions: withConditions(manifest.conditions, [available], nowText) };
    }
    const { values, synced } = feedback(work, manifest, sight.object);
    return {
      ...manifest,
      conditions: withConditions(manifest.conditions, [available, synced], nowText),
      statusFeedback: values.length > 0 ? { values } : {},
    };
  });
  return withCondition(
    moment,
    { ...work.status, resourceStatus: { manifests } },
    {
      type: 'Available',
      ...allAvailable(sights.slice(0, present.length)),
    },
  );
}

/** The work is being deleted. */
export function withDeleting(moment: Moment): WorkStatus {
  return withCondition(moment, moment.work.status ?? {}, {
    type: 'Deleting',
    status: 'True',
    reason: 'WorkDeleting',
    message: 'ManifestWork is being deleted',
  });
}

type Verdict = Pick<ConditionState, 'status' | 'reason' | 'message'>;

function withCondition(
  { work, nowText }: Moment,
  status: WorkStatus,
  condition: Verdict & { type: string },
): WorkStatus {
  const wanted = { ...condition, observedGeneration: work.metadata.generation ?? 0 };
  return { ...status, conditions: inPlace(status.conditions ?? [], wanted, nowText) };
}

/** A condition that is there keeps its place, so that nothing seems to change that did not. */
function inPlace(present: NonNullable<WorkStatus['conditions']>, wanted: ConditionState, nowText: string) {
  const [next] = withConditions(present, [wanted], nowText);
  const known = present.some(({ type }) => type === wanted.type);
  return known ? present.map((one) => (one.type === wanted.type ? next! : one)) : [...present, next!];
}

function availability(sight: Sight): Verdict {
  switch (sight.kind) {
    case 'found':
      return { status: 'True', reason: 'ResourceAvailable', message: 'Resource is available' };
    case 'missing':
      return { status: 'False', reason: 'ResourceNotAvailable', message: 'Resource is not available' };
    case 'incomplete':
      return { status: 'Unknown', reason: 'IncompleteResourceMeta', message: 'Resource meta is incomplete' };
    case 'failed':
      return {
        status: 'Unknown',
        reason: 'FetchingResourceFailed',
        message: `Failed to fetch resource: ${sight.message}`,
      };
  }
}

function allAvailable(sights: readonly Sight[]): Verdict {
  const missing = sights.filter(({ kind }) => kind === 'missing').length;
  const unknown = sights.filter(({ kind }) => kind === 'incomplete' || kind === 'failed').length;
  if (missing > 0) {
    const message = `${missing} of ${sights.length} resources are not available`;
    return { status: 'False', reason: 'ResourcesNotAvailable', message };
  }
  if (unknown > 0) {
    const message = `${unknown} of ${sights.length} resources have unknown status`;
    return { status: 'Unknown', reason: 'ResourcesStatusUnknown', message };
  }
  return { status: 'True', reason: 'ResourcesAvailable', message: 'All resources are available' };
}

function feedback(work: ManifestWork, manifest: ManifestStatus, object: AnyObject) {
  const rules = feedbackRules(work, manifest);
  const values: FeedbackValue[] = [];
  const failures: string[] = [];
  for (const { name, path } of rules) {
    const reading = readField(object, path);
    if (reading.kind === 'value') values.push({ name, fieldValue: reading.value });
    if (reading.kind === 'failed') failures.push(`${name}: ${reading.message}`);
  }
  const verdict: Verdict =
    failures.length > 0
      ? {
          status: 'False',
          reason: 'StatusFeedbackSyncFailed',
          message: `Sync status feedback failed with error ${failures.join(', ')}`,
        }
      : { status: 'True', reason: rules.length > 0 ? 'StatusFeedbackSynced' : 'NoStatusFeedbackSynced', message: '' };
  return { values, synced: { type: 'StatusFeedbackSynced', ...verdict } };
}

function feedbackRules(work: ManifestWork, manifest: ManifestStatus) {
  const { group, resource, name, namespace } = manifest.resourceMeta;
  const config = work.spec.manifestConfigs?.find(({ resourceIdentifier: wanted }) => {
    const [wantedGroup, wantedNamespace] = [wanted.group ?? '', wanted.namespace ?? ''];
    const samePlace = wantedGroup === (group ?? '') && wantedNamespace === (namespace ?? '');
    return samePlace && wanted.resource === resource && wanted.name === name;
  });
  return (config?.feedbackRules ?? []).flatMap((rule) => (rule.type === 'JSONPaths' ? (rule.jsonPaths ?? []) : []));
}

function manifestStatus(work: ManifestWork, meta: ResourceMeta): ManifestStatus | undefined {
  const identity = ({ group, resource, kind, namespace, name }: ManifestStatus['resourceMeta']) =>
    [group, resource, kind, namespace, name].join('/');
  return work.status?.resourceStatus?.manifests?.find(({ resourceMeta }) => identity(resourceMeta) === identity(meta));
}
