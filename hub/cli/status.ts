import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { printable } from '../managed-cluster-module/feedback.ts';
import { exitCodes } from './failures.ts';
import { paint } from './lines.ts';
import type { StatusOptions } from './options.ts';
import type { Report } from './report.ts';
import type { Row } from './rows.ts';
import { summaryOf } from './summary.ts';
import { formatRows } from './table.ts';

export interface StatusPicture {
  modules: readonly ManagedClusterModule[];
  rows: readonly Row[];
}

type Filter = Pick<StatusOptions, 'cluster' | 'state' | 'kernel'>;

/** The rows that are asked for. */
export function chosenRows(rows: readonly Row[], { cluster, state, kernel }: Filter): Row[] {
  return rows.filter(
    (row) =>
      (cluster === undefined || row.cluster === cluster) &&
      (state === undefined || row.state === state) &&
      (kernel === undefined || row.kernel === kernel),
  );
}

/**
 * What `status` shows. Well is well at the present version: every module is Ready at its present spec and nothing of it is
 * Degraded; with a filter: every chosen row has the present version, and is loaded or has nothing to do. Pure.
 */
export function statusReport(
  { modules, rows }: StatusPicture,
  options: StatusOptions,
  look: { colours: boolean; width: number | undefined },
): Report {
  const chosen = chosenRows(rows, options);
  const filtered = [options.cluster, options.state, options.kernel].some((each) => each !== undefined);
  // There may be no cluster of that name.
  const isFound = chosen.length > 0 || options.cluster === undefined || options.state !== undefined;
  const isWell = filtered ? isFound && chosen.every(isWellRow) : modules.every(isWellModule);
  const heads = modules.flatMap((module) => [
    ...(options.module === undefined ? [headline(module, look)] : summaryOf(module)),
    ...progressBar(module, look),
  ]);
  const table =
    chosen.length === 0
      ? ['no cluster is selected, or none fits what was asked for']
      : formatRows(chosen, { ...look, wide: options.output === 'wide' });
  const none = modules.length === 0 ? ['no ManagedClusterModule is here yet'] : [...heads, '', ...table];
  return {
    lines: none,
    data: { modules: modules.map(moduleData), rows: chosen },
    code: isWell ? exitCodes.fine : exitCodes.notWell,
  };
}

function isWellRow({ state, current }: Row): boolean {
  return current && (state === 'Loaded' || state === 'Idle');
}

function isWellModule(module: ManagedClusterModule): boolean {
  return (
    isObserved(module) &&
    conditionOf(module, 'Ready')?.status === 'True' &&
    conditionOf(module, 'Degraded')?.status !== 'True'
  );
}

/** The status is about the present spec; else all that it counts is about the one before. */
function isObserved({ metadata, status }: ManagedClusterModule): boolean {
  return status?.observedGeneration === metadata.generation;
}

function conditionOf({ status }: ManagedClusterModule, type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}

function headline(module: ManagedClusterModule, look: { colours: boolean }): string {
  const ready = conditionOf(module, 'Ready');
  const isWell = isWellModule(module);
  const { selected = 0, succeeded = 0, failed = 0 } = module.status?.rollout ?? {};
  const word = isWell ? 'ready' : 'not ready';
  const text = look.colours ? paint(word, isWell ? 32 : 31) : word;
  const head = `${printable(module.metadata.name)}: ${text}`;
  if (!isObserved(module)) return `${head} (the hub has not looked at this version yet)`;
  const why = isWell ? '' : ` (${ready?.reason ?? 'no condition'})`;
  const counts = `${succeeded} of ${selected} clusters well${failed > 0 ? `, ${failed} failed` : ''}`;
  return `${head}${printable(why)}, ${counts}`;
}

const barChars = 30;

/** `[████░░] 4 of 6 clusters succeeded`: for eyes only, so on a terminal only. */
function progressBar(module: ManagedClusterModule, look: { colours: boolean; width: number | undefined }): string[] {
  const { selected = 0, succeeded = 0, failed = 0 } = module.status?.rollout ?? {};
  if (look.width === undefined || selected === 0 || !isObserved(module)) return [];
  const good = Math.floor((barChars * succeeded) / selected);
  const bad = Math.min(barChars - good, Math.ceil((barChars * failed) / selected));
  const parts = ['█'.repeat(good), '▒'.repeat(bad), '░'.repeat(barChars - good - bad)] as const;
  const bar = look.colours ? `${paint(parts[0], 32)}${paint(parts[1], 31)}${parts[2]}` : parts.join('');
  return [`  [${bar}] ${succeeded} of ${selected} clusters succeeded`];
}

function moduleData({ metadata, status }: ManagedClusterModule) {
  const { conditions = [], rollout, images = [], moreImages } = status ?? {};
  return {
    name: metadata.name,
    generation: metadata.generation,
    observedGeneration: status?.observedGeneration,
    conditions,
    rollout,
    images,
    moreImages,
  };
}
