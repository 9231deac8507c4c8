import { managedClusters, manifestWorks } from '@open-cluster-management/api-types';
import { printable } from '../managed-cluster-module/feedback.ts';
import { adviceFor } from './advice.ts';
import { type ExplainInput, explain, firstTrouble } from './explain.ts';
import { type ExitCode, exitCodes } from './failures.ts';
import { readModule } from './fleet-lists.ts';
import { paint } from './lines.ts';
import type { Link } from './links.ts';
import type { Command } from './options.ts';
import { printReport, type Report } from './report.ts';
import type { Surroundings } from './status-command.ts';

/** `kubectl kmm explain`: three requests, each for one object. */
export async function runExplain(
  { module: name, cluster: clusterName, output }: Extract<Command, { kind: 'explain' }>,
  { client, terminal, runtime, namespace }: Surroundings,
): Promise<ExitCode> {
  const [module, cluster, work] = await Promise.all([
    readModule(client, name),
    client.get(managedClusters, { name: clusterName }),
    client.get(manifestWorks, { namespace: clusterName, name }),
  ]);
  const input = { module, clusterName, cluster, work, nowMs: runtime.clock.now(), operatorNamespace: namespace };
  const report = explainReport(input, terminal);
  printReport(terminal, report, output);
  return report.code;
}

const words = { ok: 'ok', broken: 'BROKEN', waits: 'waits', notYet: 'not yet', unknown: '?' } as const;
const colourOf = { ok: 32, broken: 31, waits: 33, notYet: 33, unknown: 90 } as const;

/** The chain as lines: the first link that breaks, or waits, is marked and has its advice below it. Pure. */
export function explainReport(input: ExplainInput, look: { colours: boolean }): Report {
  const chain = explain(input);
  const trouble = firstTrouble(chain);
  const name = input.module.metadata.name;
  const verb = trouble?.state === 'broken' ? 'breaks' : 'waits';
  const end = trouble === undefined ? `all is well${ahead(chain)}` : `${verb} at ${trouble.name} (${trouble.reason})`;
  const todo = trouble === undefined ? [] : advice(trouble, name);
  const lines = [
    printable(`${name} on ${input.clusterName}: ${end}`),
    '',
    ...chain.flatMap((link) => {
      const own = link === trouble ? todo : link.state === 'notYet' ? advice(link, name) : [];
      return linesOf(link, own, link === trouble, look);
    }),
  ];
  const first = trouble === undefined ? undefined : { link: trouble.name, reason: trouble.reason, todo };
  const data = { module: name, cluster: input.clusterName, first, chain };
  return { lines, data, code: trouble === undefined ? exitCodes.fine : exitCodes.notWell };
}

/** What no node needs now is no trouble, and yet nobody shall miss it. */
function ahead(chain: readonly Link[]): string {
  const link = chain.find(({ state }) => state === 'notYet');
  return link === undefined ? '' : `; not all upcoming kernels are prepared (${link.reason})`;
}

function advice({ reason = '', also = [] }: Link, module: string): string[] {
  return [...new Set([reason, ...also])].map((each) => `${each}: ${adviceFor(each, module)}`);
}

function linesOf(link: Link, todo: readonly string[], first: boolean, look: { colours: boolean }): string[] {
  const word = words[link.state].padEnd(7);
  const mark = look.colours ? paint(word, colourOf[link.state]) : word;
  const [head = '', ...more] = link.seen.map(printable);
  const indent = ' '.repeat(20);
  return [
    `${first ? '>' : ' '} ${mark} ${link.name.padEnd(9)} ${head}`,
    ...more.map((text) => `${indent}${text}`),
    ...todo.map((text) => `${indent}what to do: ${printable(text)}`),
  ];
}
