import { type ManagedClusterModule, managedClusterModules } from '@open-cluster-management/api-types';
import { isConflict } from '../../shared/kube/errors.ts';
import { testedPatch } from '../../shared/kube/patch.ts';
import { printable } from '../managed-cluster-module/feedback.ts';
import { revisionName } from '../managed-cluster-module/revisions.ts';
import { differences } from './differences.ts';
import { type ExitCode, exitCodes, UsageError } from './failures.ts';
import { readModule, readRevisions } from './fleet-lists.ts';
import type { Command } from './options.ts';
import type { Surroundings } from './status-command.ts';
import { undoOf } from './undo.ts';

/** `kubectl kmm rollout`: one patch of the ManagedClusterModule, or none where it says so already. */
export async function runRollout(
  command: Extract<Command, { kind: 'rollout' }>,
  around: Surroundings,
): Promise<ExitCode> {
  const module = await readModule(around.client, command.module);
  return command.action === 'undo' ? undo(command, module, around) : pause(command.action, module, around);
}

async function pause(
  action: 'pause' | 'resume',
  module: ManagedClusterModule,
  around: Surroundings,
): Promise<ExitCode> {
  const { name } = module.metadata;
  const paused = action === 'pause';
  const { client, terminal } = around;
  if ((module.spec.rollout?.paused ?? false) === paused) {
    terminal.print(`${name}: is ${paused ? 'paused' : 'not paused'} already`);
    return exitCodes.fine;
  }
  const body = { spec: { rollout: { paused } } };
  await client.patch(managedClusterModules, { name }, { type: 'merge', body });
  terminal.print(
    paused
      ? `${name}: paused; clusters that are on their way go on`
      : `${name}: resumed; see kubectl kmm status ${name}`,
  );
  return exitCodes.fine;
}

async function undo(
  { toRevision, yes }: Extract<Command, { action: 'undo' }>,
  module: ManagedClusterModule,
  { client, terminal, namespace }: Surroundings,
): Promise<ExitCode> {
  const { name, generation } = module.metadata;
  const { revision, moduleSpec } = undoOf(module, await readRevisions(client, namespace, module), toRevision);
  const before = module.spec.moduleSpec;
  if (before !== undefined && revisionName(name, before) === revision) {
    terminal.print(`${name}: is ${revision} already`);
    return exitCodes.fine;
  }
  terminal.print(`${name}: back to ${revision}`);
  for (const line of differences(before, moduleSpec, 'spec.moduleSpec')) terminal.print(printable(`  ${line}`));
  if (!yes && !(await isWanted(terminal))) {
    terminal.print(`${name}: nothing was written`);
    return exitCodes.notWell;
  }
  const path = '/spec/moduleSpec';
  try {
    // Only what was shown is undone: an edit that came in between is a conflict, and a status that the hub wrote is none.
    const operations = [
      { op: 'test', path: '/metadata/generation', value: generation },
      { op: 'add', path, value: moduleSpec },
    ] as const;
    await testedPatch(client, managedClusterModules, { at: { name }, operations });
  } catch (error) {
    if (!isConflict(error)) throw error;
    throw new UsageError(
      `${name}: expected it as it was read a moment ago, got changed meanwhile: run the command again`,
    );
  }
  terminal.print(`${name}: written; it is a rollout like any other: see kubectl kmm status ${name}`);
  return exitCodes.fine;
}

async function isWanted(terminal: Surroundings['terminal']): Promise<boolean> {
  if (terminal.ask === undefined) {
    throw new UsageError('expected --yes, because there is no terminal on which to ask; nothing was written');
  }
  return /^y(es)?$/i.test((await terminal.ask('Write it? [y/N] ')).trim());
}
