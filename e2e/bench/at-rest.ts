// `npm run bench:at-rest [-- --seconds N] [--cold]`: what our programs cost while nothing happens. Plays the demo until its modules
// are Ready, then only looks: resident memory as Linux counts it, and every request to the API servers and the registry.
// `--cold` goes without the compile cache, as a first start does. Exit code 1 when a goal of issue 3 is missed.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sleep, systemClock } from '../../shared/core/clock.ts';
import { compileProgram } from '../demo/program-process.ts';
import { progressOn } from '../demo/progress.ts';
import { type Actor, type DemoStage, openStage } from '../demo/stage.ts';
import { applyModules } from '../demo/story.ts';
import type { RequestEntry } from '../world/api-server/requests.ts';
import { programUsers } from '../world/fleet/fleet.ts';
import { embeddedServer } from '../world/fleet/plane.ts';

const goalsMiB = { hub: 110, spoke: 95 } as const;
/** By then the last event, status and feedback of loading have been written. */
const settleMs = 10_000;
const readEveryMs = 1_000;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, cold: { type: 'boolean', default: false } },
});
const restMs = Number(values.seconds) * 1000;
if (!(restMs >= readEveryMs)) {
  console.error(`--seconds: expected a number from 1 on, got ${values.seconds}`);
  process.exit(2);
}

interface Rest {
  readonly readingsMiB: ReadonlyMap<Actor, readonly number[]>;
  /** Of anybody; at rest there are none. */
  readonly registryRequests: readonly string[];
}

// The clock's timers keep no process alive; this one does, until the exit below.
const keptAlive = new MessageChannel().port1;
keptAlive.on('message', () => undefined);
process.exit(await run());

async function run(): Promise<number> {
  const progress = progressOn(process.stdout, systemClock);
  if (!values.cold) for (const program of ['hub', 'spoke'] as const) compileProgram(program);
  const stage = await openStage(progress, {
    environment: values.cold ? { NODE_DISABLE_COMPILE_CACHE: '1' } : {},
  });
  try {
    await progress.step('the modules of the demo are loaded and Ready', () => applyModules(stage));
    await progress.step('what follows from that is over', () => sleep(systemClock, settleMs));
    const rest = await progress.step(`at rest for ${restMs / 1000} s`, () => watchRest(stage));
    const reports = [...stage.actors.map((actor) => reportOf(actor, rest)), registryReport(rest)];
    for (const { lines } of reports) progress.print(`\n${lines.join('\n')}`);
    return reports.every(({ good }) => good) ? 0 : 1;
  } finally {
    const stopped = await stage.close();
    if (stopped !== undefined) progress.print(stopped);
  }
}

async function watchRest({ fleet, actors }: DemoStage): Promise<Rest> {
  const readingsMiB = new Map<Actor, number[]>(actors.map((actor) => [actor, []]));
  for (const { plane } of actors) embeddedServer(plane).requests.clear();
  const registryBefore = fleet.registry.requests.length;
  const endMs = systemClock.now() + restMs;
  while (systemClock.now() < endMs) {
    await Promise.race([sleep(systemClock, readEveryMs), ...actors.map(({ program }) => program.alive)]);
    for (const [{ program }, readings] of readingsMiB) readings.push(residentMiB(program.pid));
  }
  const registryRequests = fleet.registry.requests.slice(registryBefore).map(({ method, path }) => `${method} ${path}`);
  return { readingsMiB, registryRequests };
}

interface Report {
  readonly lines: readonly string[];
  /** Whether every goal is met. */
  readonly good: boolean;
}

function reportOf(actor: Actor, { readingsMiB }: Rest): Report {
  const { plane, program } = actor;
  const { name } = program;
  const requests = embeddedServer(plane).requests.matching({ user: programUsers[name] });
  const beyond = requests.filter(({ verb, resource }) => verb !== 'watch' && resource !== 'leases');
  const sorted = [...(readingsMiB.get(actor) ?? [])].sort((a, b) => a - b);
  const medianMiB = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const memory = `${medianMiB.toFixed(1)} MiB resident (median of ${sorted.length}, ${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)}; goal ${goalsMiB[name]})`;
  const counts = countsOf(requests.map(({ verb, resource }: RequestEntry) => `${verb} ${resource}`));
  const verdict = beyond.length === 0 ? [] : [`  ${beyond.length} of them renew neither the lease nor a watch`];
  return {
    lines: [`${name} on ${plane.name}: ${memory}`, `  ${requests.length} API requests`, ...counts, ...verdict],
    good: medianMiB <= goalsMiB[name] && beyond.length === 0,
  };
}

function registryReport({ registryRequests }: Rest): Report {
  return {
    lines: [`registry: ${registryRequests.length} requests`, ...countsOf(registryRequests)],
    good: registryRequests.length === 0,
  };
}

/** One line for each different text, the most frequent first. */
function countsOf(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([text, count]) => `  ${String(count).padStart(5)} ${text}`);
}

/** Linux only; in units of 1,048,576 bytes, as `Mi` in a pod's limits. */
function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`expected VmRSS in /proc/${pid}/status`);
  return Number(kib) / 1024;
}
