import type { ManifestWork } from '@open-cluster-management/api-types';

/** A work as far as it tells its agent to leave the Module, and what the agent says of it. */
export interface OrphanAnswer {
  /** Its `deleteOption` says Orphan. */
  told: boolean;
  /** What the agent says of the present generation; Unknown: nothing yet. */
  applied: 'True' | 'False' | 'Unknown';
  /** The agent's own words when it is False. */
  appliedMessage: string;
}

export function answerOf({ metadata: { generation }, spec, status }: ManifestWork): OrphanAnswer {
  const said = status?.conditions?.find(({ type }) => type === 'Applied');
  const isCurrent = said !== undefined && generation !== undefined && said.observedGeneration === generation;
  return {
    told: spec.deleteOption?.propagationPolicy === 'Orphan',
    applied: isCurrent && (said.status === 'True' || said.status === 'False') ? said.status : 'Unknown',
    appliedMessage: said?.message ?? '',
  };
}

/** To delete it now would unload what somebody was promised that it stays. */
export function isUnconfirmed(work: ManifestWork): boolean {
  const { told, applied } = answerOf(work);
  return told && applied !== 'True';
}
