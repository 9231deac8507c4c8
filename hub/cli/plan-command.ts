import { readFileSync } from 'node:fs';
import { type ManagedClusterModule, managedClusterModules } from '@open-cluster-management/api-types';
import { parseAllDocuments } from 'yaml';
import { errorMessage } from '../../shared/core/errors.ts';
import { isRecord } from '../../shared/core/record.ts';
import { viewModule } from '../managed-cluster-module/module-view.ts';
import { type ExitCode, exitCodes, UsageError } from './failures.ts';
import { readClusters, readWorks } from './fleet-lists.ts';
import type { Command } from './options.ts';
import { planFleet } from './plan.ts';
import { plannedImages } from './plan-images.ts';
import { planReport } from './plan-report.ts';
import { printReport, type Report } from './report.ts';
import { asKept } from './server-defaults.ts';
import type { Surroundings } from './status-command.ts';

/** `kubectl kmm plan`: reads the file, the object and the lists of its clusters and works; writes nothing. */
export async function runPlan(
  { file, output }: Extract<Command, { kind: 'plan' }>,
  around: Surroundings,
): Promise<ExitCode> {
  const documents = readDocuments(file);
  const clusters = await readClusters(around.client);
  const reports: Report[] = [];
  for (const document of documents) reports.push(await reportOf(document, clusters, around));
  const lines = reports.flatMap((report, index) => (index === 0 ? report.lines : ['', ...report.lines]));
  printReport(around.terminal, { lines, data: reports.map(({ data }) => data), code: exitCodes.fine }, output);
  return exitCodes.fine;
}

async function reportOf(
  document: ManagedClusterModule,
  clusters: Awaited<ReturnType<typeof readClusters>>,
  { client, namespace }: Surroundings,
): Promise<Report> {
  const { name } = document.metadata;
  const [present, works] = await Promise.all([
    client.get(managedClusterModules, { name }),
    readWorks(client, { module: name }),
  ]);
  const { uid, generation = 0 } = present?.metadata ?? {};
  const metadata = { name, generation: generation + 1, ...(uid !== undefined && { uid }) };
  const wanted = { ...document, metadata, spec: asKept(document.spec) };
  const view = viewModule(wanted);
  if (view.wanted === undefined) throw new UsageError(`${name}: ${view.hold?.message ?? 'expected a valid spec'}`);
  const namespaces = [present?.spec?.spokeNamespace ?? view.spokeNamespace, view.spokeNamespace];
  if (namespaces[0] !== namespaces[1]) {
    throw new UsageError(
      `${name}: spec.spokeNamespace: expected ${namespaces[0]} as it is now, got ${namespaces[1]}: it cannot be changed; delete the object and make it anew`,
    );
  }
  const plan = planFleet({ present, wanted, clusters, works, operatorNamespace: namespace });
  return planReport({ plan, images: plannedImages(plan, present, namespace), present, wanted });
}

/** `kubectl kmm plan -f -` reads standard input. */
const standardInput = 0;

function readDocuments(file: string): ManagedClusterModule[] {
  const found = documentsOf(textOf(file), file).filter(isModule);
  if (found.length > 0) return found;
  throw new UsageError(`-f ${file}: expected a ManagedClusterModule with a name (YAML or JSON), got none`);
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? standardInput : file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? errorMessage(error);
    throw new UsageError(`-f ${file}: expected a file that can be read, got ${code}`);
  }
}

function documentsOf(text: string, file: string): unknown[] {
  try {
    const values = parseAllDocuments(text).map((document): unknown => {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return document.toJS();
    });
    return values.flatMap((value) =>
      isRecord(value) && value['kind'] === 'List' && Array.isArray(value['items']) ? value['items'] : [value],
    );
  } catch (error) {
    throw new UsageError(`-f ${file}: expected YAML or JSON, got: ${errorMessage(error).split('\n')[0]}`);
  }
}

/** Of any version of the group: what is not ours in the file is not looked at. */
function isModule(value: unknown): value is ManagedClusterModule {
  if (!isRecord(value) || value['kind'] !== 'ManagedClusterModule' || !isRecord(value['metadata'])) return false;
  const { name } = value['metadata'];
  const group = String(value['apiVersion']).split('/')[0];
  return group === managedClusterModules.group && typeof name === 'string' && name !== '';
}
