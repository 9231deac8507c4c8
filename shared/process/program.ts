import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { systemClock } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import { oneLine } from '../core/one-line.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeconfigSource } from '../kube/kubeconfig.ts';
import { startLeaderElection } from '../kube/leader.ts';
import type { Runtime } from '../kube/runtime.ts';
import { createKubeClient, type KubeClientOptions } from '../kube/transport.ts';
import { readCommandLine } from './command-line.ts';
import { type ProgramConfig, type ProgramEnvironment, readSettings, SettingsError } from './config.ts';
import { type ProgramHost, processHost } from './host.ts';
import { healthPages, type Pages, serveHttp } from './http.ts';
import { Life, type Running } from './life.ts';
import { makeLog } from './log.ts';
import { PrometheusMeters } from './metrics.ts';
import { missingRequirements, type Requirement } from './preflight.ts';

export type { Running } from './life.ts';

export interface ProgramContext<C, E> {
  config: C;
  environment: E;
  client: KubeClient;
  runtime: Runtime;
  /** Aborts when the program must end. */
  signal: AbortSignal;
  /** Names this process: `<hostname>_<uuid>`. */
  identity: string;
}

export interface Program<C extends ProgramConfig, E extends ProgramEnvironment> {
  /** In logs, the user agent and the events: `kmm-hub`. */
  name: string;
  version: string;
  /** `programConfigSchema`, extended. */
  configSchema: z.ZodType<C>;
  /** `programEnvironmentSchema`, extended. */
  environmentSchema: z.ZodType<E>;
  /** The lease's name unless `leaderElection.resourceID` says another. */
  leaseName: string;
  /** Looked for before anything starts. */
  requirements: (settings: { config: C; environment: E }) => readonly Requirement[];
  /** Called once, when this process leads. */
  start(context: ProgramContext<C, E>): Promise<Running>;
}

/**
 * Runs a program from its arguments (`--config FILE`, `--kubeconfig FILE`) and environment (`KUBECONFIG`, else the pod's
 * service account) to its exit code, which is 0 after SIGTERM or SIGINT and 1 after one clear line of what is wrong.
 *
 *     // hub/main.ts, all of it:
 *     process.exit(
 *       await runProgram({
 *         name: 'kmm-hub',
 *         version: '0.1.0',
 *         leaseName: 'kmm-hub.sigs.x-k8s.io',
 *         configSchema: hubConfigSchema, // programConfigSchema.extend({ … })
 *         environmentSchema: programEnvironmentSchema,
 *         requirements: () => [{ resource: managedClusterModules }, { resource: manifestWorks }],
 *         start: ({ config, environment, client, runtime, signal, identity }) =>
 *           startHub({ config, namespace: environment.OPERATOR_NAMESPACE, client, runtime, signal, identity }),
 *       }),
 *     );
 */
export async function runProgram<C extends ProgramConfig, E extends ProgramEnvironment>(
  program: Program<C, E>,
  host: ProgramHost = processHost(),
): Promise<number> {
  const closers: Closer[] = [host.keepAlive()];
  try {
    return await run(program, host, closers);
  } catch (error) {
    const problems = error instanceof SettingsError ? error.problems : [errorMessage(error)];
    for (const problem of problems) host.say(`${program.name}: ${oneLine(problem)}`);
    return 1;
  } finally {
    // The last opened first: what keeps the process alive closes at the end.
    for (const close of closers.reverse()) await close();
  }
}

type Closer = () => void | Promise<void>;

async function run<C extends ProgramConfig, E extends ProgramEnvironment>(
  program: Program<C, E>,
  host: ProgramHost,
  closers: Closer[],
): Promise<number> {
  const commandLine = readCommandLine(host);
  const settings = readSettings({ ...program, config: commandLine.config, environment: host.environment });
  const { config, environment } = settings;
  const meters = new PrometheusMeters();
  const destination = host.logDestination;
  const log = makeLog({ program: program.name, level: config.logLevel, ...(destination && { destination }) });
  const runtime: Runtime = { clock: systemClock, random: Math.random, log, meters };
  const connect = connector(program, { kubeconfig: commandLine.kubeconfig, meters, closers });
  const life = new Life(runtime, host);
  const client = connect({ mayWrite: () => life.mayWrite });
  closers.push(() => life.close());
  await serve(config, { life, meters, log, closers });
  const { clock } = runtime;
  const missing = await missingRequirements(client, program.requirements(settings), { clock, signal: life.signal });
  if (missing.length > 0) throw new SettingsError(missing);
  if (life.signal.aborted) return life.untilEnd();
  const identity = `${host.hostname}_${randomUUID()}`;
  if (config.leaderElection.enabled) {
    const { leaseDuration, renewDeadline, retryPeriod, resourceID } = config.leaderElection;
    life.election = startLeaderElection({
      // A renewal that hangs longer than half the deadline would leave no second try.
      client: connect({ concurrency: 2, requestTimeoutMs: renewDeadline / 2 }),
      namespace: environment.OPERATOR_NAMESPACE,
      name: resourceID ?? program.leaseName,
      identity,
      runtime,
      leaseDurationMs: leaseDuration,
      renewDeadlineMs: renewDeadline,
      retryMs: retryPeriod,
      onLost: (why) => life.lose(why),
    });
    await Promise.race([life.election.whenLeading, life.over]);
  }
  await startUnlessOver(life, () =>
    program.start({ config, environment, client, runtime, signal: life.signal, identity }),
  );
  return life.untilEnd();
}

async function startUnlessOver(life: Life, start: () => Promise<Running>): Promise<void> {
  if (life.signal.aborted) return;
  try {
    life.running = await start();
  } catch (error) {
    // A start that was interrupted (`whenSynced` rejects then) is an orderly end.
    if (!life.signal.aborted) throw error;
  }
}

function connector(
  program: { name: string; version: string },
  options: { kubeconfig: KubeconfigSource; meters: PrometheusMeters; closers: Closer[] },
) {
  const { kubeconfig, meters, closers } = options;
  return (limits: Pick<KubeClientOptions, 'concurrency' | 'requestTimeoutMs' | 'mayWrite'>): KubeClient => {
    const userAgent = `${program.name}/${program.version}`;
    const client = createKubeClient({ kubeconfig, meters, userAgent, ...limits });
    closers.push(() => client.close());
    return client;
  };
}

async function serve(
  config: ProgramConfig,
  parts: { life: Life; meters: PrometheusMeters; log: Runtime['log']; closers: Closer[] },
): Promise<void> {
  const { life, meters, log, closers } = parts;
  const health = healthPages(() => life.notReady());
  const metrics: Pages = { '/metrics': () => meters.exposition() };
  const servers = [
    { at: config.healthProbeBindAddress, pages: health, text: 'serving health' },
    { at: config.metrics.bindAddress, pages: metrics, text: 'serving metrics' },
  ];
  for (const { at, pages, text } of servers) {
    if (at === undefined) continue;
    const server = await serveHttp(at, pages);
    closers.push(() => server.close());
    log.info({ url: server.url }, text);
  }
}
