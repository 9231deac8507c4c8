import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { printable } from '../managed-cluster-module/feedback.ts';

/** A ManagedClusterModule in a few lines: its conditions, its clusters by state, its images. From its status only, without control characters. */
export function summaryOf(module: ManagedClusterModule): string[] {
  const { status } = module;
  const lines = [`${module.metadata.name}${isCurrent(module) ? '' : ' (the hub has not looked at this version yet)'}`];
  for (const { type, status: value, reason, message } of status?.conditions ?? []) {
    lines.push(`  ${type.padEnd(17)} ${value.padEnd(7)} ${reason}: ${message}`);
  }
  const { rollout } = status ?? {};
  if (rollout !== undefined) {
    const counts = (['selected', 'updated', 'succeeded', 'progressing', 'waiting', 'failed', 'unreachable'] as const)
      .map((name) => `${rollout[name] ?? 0} ${name}`)
      .join(', ');
    lines.push(`  ${'clusters'.padEnd(17)} ${counts}`);
    const { phase, group, message } = rollout;
    const where = [phase, group && `group ${group}`, message].filter(Boolean).join(', ');
    if (where !== '') lines.push(`  ${'rollout'.padEnd(17)} ${where}`);
  }
  for (const { kernelVersion, image, state, digest, message } of status?.images ?? []) {
    lines.push(`  ${'image'.padEnd(17)} ${kernelVersion} ${image} ${state} ${digest ?? message ?? ''}`.trimEnd());
  }
  if (status?.moreImages !== undefined) lines.push(`  ${'image'.padEnd(17)} and ${status.moreImages} more`);
  return lines.map(printable);
}

function isCurrent({ metadata, status }: ManagedClusterModule): boolean {
  return status?.observedGeneration === metadata.generation;
}
