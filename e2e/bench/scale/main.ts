// `npm run bench`: what the hub costs at fleet scale, on Kubernetes' own API server. Makes a fleet of claims, plays OCM's agents and a registry
// that answers at once, and runs the hub's program in a process of its own; times and requests are those of the API server's audit
// log. Beside each figure that writes stands a loop that only writes the same works. Exit code 1 when a goal of issue 7 is missed.

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { rfc3339, systemClock } from '../../../shared/core/clock.ts';
import { compileProgram } from '../../demo/program-process.ts';
import { curves } from './curves.ts';
import { type Figure, type FleetFigures, isMet, tableOf } from './figures.ts';
import { joinFleet } from './fleet.ts';
import { atRest, kernelChanges, reports } from './living.ts';
import { readOptions, type ScaleOptions, usage } from './options.ts';
import { missedRenewals, restart } from './restart.ts';
import { openStage } from './stage.ts';
import { addModules, type Bench, newImage, newModule } from './writing.ts';

// The clock's timers keep no process alive; this one does, until the exit below.
const keptAlive = new MessageChannel().port1;
keptAlive.on('message', () => undefined);
process.exit(await run(process.argv.slice(2)));

async function run(args: readonly string[]): Promise<number> {
  let options: ScaleOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  compileProgram('hub');
  if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true });
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`;
  const fleets: FleetFigures[] = [];
  for (const clusters of options.sizes) {
    // After each step: the largest fleet takes the longest, and may be broken off.
    const keepSoFar = (soFar: FleetFigures) => keep([...fleets, soFar], machine, options);
    const fleet = await measure(clusters, options, keepSoFar);
    fleets.push(fleet);
    console.log(`\n${tableOf(fleet)}\n\nmachine: ${machine}, load ${loadavg()[0]?.toFixed(1)}\n`);
    keep(fleets, machine, options);
  }
  return fleets.every(({ figures }) => figures.every((figure) => isMet(figure) !== false)) ? 0 : 1;
}

function keep(fleets: readonly FleetFigures[], machine: string, { json, svg }: ScaleOptions): void {
  const report = { machine, at: rfc3339(systemClock.now()), fleets };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (svg !== undefined) writeFileSync(svg, curves(fleets, machine));
}

async function measure(
  clusters: number,
  options: ScaleOptions,
  onStep: (soFar: FleetFigures) => void,
): Promise<FleetFigures> {
  const startMs = systemClock.now();
  const say = (text: string) =>
    console.log(`${((systemClock.now() - startMs) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  const stage = await openStage({ profileFolder: options.profile, nodeOptions: options.nodeOptions });
  const bench: Bench = { stage, clusters, rawSeconds: [], version: 1, restartsAtMs: [], say };
  const figures: Figure[] = [];
  try {
    say('the API server serves');
    await joinFleet(stage.world, clusters);
    say(`${clusters} clusters have joined`);
    await stage.startHub();
    await stage.quiet();
    const step = async (name: string, measured: () => Promise<Figure[]>) => {
      figures.push(...(await measured()));
      say(name);
      onStep({ clusters, modules: options.modules, figures });
    };
    const isWanted = (name: ScaleOptions['steps'][number]) => options.steps.includes(name);
    await step('a new module', () => newModule(bench));
    if (isWanted('new-image')) await step('a new image', () => newImage(bench));
    if (isWanted('kernel')) await step('kernels change', () => kernelChanges(bench));
    if (isWanted('reports')) await step('all agents report', () => reports(bench));
    if (isWanted('rest')) await step('at rest', () => atRest(bench, options.restSeconds));
    if (isWanted('restart')) {
      if (options.modules > 1) await addModules(bench, 1, options.modules - 1);
      say(`${options.modules} modules`);
      await step('the hub starts again', () => restart(bench, options.modules));
    }
    figures.push(...missedRenewals(bench));
    return { clusters, modules: options.modules, figures };
  } finally {
    await stage.stop();
  }
}
