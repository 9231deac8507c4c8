import { KubeError } from '../../shared/kube/errors.ts';
import { printable } from '../managed-cluster-module/feedback.ts';
import { adviceFor } from './advice.ts';
import { type ExitCode, exitCodes } from './failures.ts';
import { readClusters, readModules, readRevisions, readWorks } from './fleet-lists.ts';
import { alignedLines, counted, someOf } from './lines.ts';
import type { Command } from './options.ts';
import { notReadable, type Preflight, preflight } from './preflight.ts';
import { printReport, type Report } from './report.ts';
import type { Surroundings } from './status-command.ts';

/** `kubectl kmm preflight`: lists in pages, and the versions of a module only where a cluster has another than the present one. */
export async function runPreflight(
  { kernel, module: name, output }: Extract<Command, { kind: 'preflight' }>,
  { client, terminal, namespace }: Surroundings,
): Promise<ExitCode> {
  const modules = await readModules(client, name);
  const [clusters, works] = await Promise.all([readClusters(client), readWorks(client, { module: name })]);
  const byModule = Map.groupBy(works, ({ metadata }) => metadata.name);
  const found: Preflight[] = [];
  for (const module of modules) {
    const own = byModule.get(module.metadata.name) ?? [];
    const base = { kernel, module, clusters, works: own, operatorNamespace: namespace };
    const present = preflight({ ...base, revisions: undefined });
    const isPartial = present.some(({ reason }) => reason === notReadable);
    const revisions = isPartial ? await allowed(readRevisions(client, namespace, module)) : undefined;
    found.push(...(isPartial ? preflight({ ...base, revisions }) : present));
  }
  const report = preflightReport(kernel, found);
  printReport(terminal, report, output);
  return report.code;
}

/** A caller may be allowed to see the fleet and not the hub's namespace: then the answer says what it does not know. */
async function allowed<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return undefined;
    throw error;
  }
}

const worstFirst = ['NotServed', 'NotKnown', 'Served'] as const;
const words = { NotServed: 'not served', NotKnown: 'not known', Served: 'served' } as const;

/** The worst first; what is not known to be served is not well. Pure. */
export function preflightReport(kernel: string, found: readonly Preflight[]): Report {
  const rank = ({ verdict }: Preflight) => worstFirst.indexOf(verdict);
  const sorted = [...found].sort((a, b) => rank(a) - rank(b));
  const bad = sorted.filter(({ verdict }) => verdict !== 'Served');
  const rows = sorted.map((each) => [
    each.module,
    words[each.verdict],
    `${each.clusters.length}`,
    someOf(each.clusters),
    [each.image ?? '', `${each.reason}: ${each.message}`].filter(Boolean).join(' '),
  ]);
  const lost = new Set(bad.flatMap(({ verdict, clusters }) => (verdict === 'NotServed' ? clusters : []))).size;
  const head =
    bad.length === 0
      ? `every module is served on kernel ${kernel}`
      : `on kernel ${kernel} ${counted(lost, 'cluster')} would go without a module`;
  const advice = [...new Set(bad.map(({ module, reason }) => `${reason}: ${adviceFor(reason, module)}`))];
  const table =
    rows.length === 0
      ? ['no module selects a cluster']
      : alignedLines(['MODULE', 'WOULD BE', 'CLUSTERS', 'NAMES', 'WHY'], rows).lines;
  return {
    lines: [head, '', ...table, ...(advice.length === 0 ? [] : ['', ...advice])].map(printable),
    data: { kernel, modules: sorted },
    code: bad.length === 0 ? exitCodes.fine : exitCodes.notWell,
  };
}
