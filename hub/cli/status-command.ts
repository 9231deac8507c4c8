import type { KubeClient } from '../../shared/kube/client.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import { type ExitCode, exitCodes } from './failures.ts';
import { readClusters, readModules, readWorks } from './fleet-lists.ts';
import type { StatusOptions } from './options.ts';
import { printReport, type Terminal } from './report.ts';
import { rowsOf } from './rows.ts';
import { chosenRows, type StatusPicture, statusReport } from './status.ts';
import { formatRows } from './table.ts';
import { watchFleet } from './watch-fleet.ts';

export interface Surroundings {
  client: KubeClient;
  terminal: Terminal;
  runtime: Runtime;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** The hub's own. */
  namespace: string;
}

/** `kubectl kmm status`: three lists in pages, whatever the size of the fleet. */
export async function runStatus(options: StatusOptions, around: Surroundings): Promise<ExitCode> {
  const { client, terminal } = around;
  const modules = await readModules(client, options.module);
  const [works, clusters] = await Promise.all([
    readWorks(client, { module: options.module, cluster: options.cluster }),
    readClusters(client),
  ]);
  const picture = { modules, rows: rowsOf(modules, works, clusters) };
  const report = statusReport(picture, options, terminal);
  printReport(terminal, report, options.output);
  if (!options.watch) return report.code;
  return watch(options, around, picture);
}

const clearScreen = '\u001b[H\u001b[2J';

async function watch(options: StatusOptions, around: Surroundings, first: StatusPicture): Promise<ExitCode> {
  const { client, terminal, runtime, signal } = around;
  let shown = new Set(linesOf(first, options));
  const show = (picture: StatusPicture) => {
    if (terminal.width !== undefined) {
      terminal.print(`${clearScreen}${statusReport(picture, options, terminal).lines.join('\n')}`);
      return;
    }
    const lines = linesOf(picture, options);
    for (const line of lines) if (!shown.has(line)) terminal.print(line);
    shown = new Set(lines);
  };
  await watchFleet(client, options, { runtime, signal, show });
  return exitCodes.interrupted;
}

function linesOf({ rows }: StatusPicture, options: StatusOptions): string[] {
  return formatRows(chosenRows(rows, options), { wide: options.output === 'wide' }).slice(1);
}
