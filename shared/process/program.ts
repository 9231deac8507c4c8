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
import { type ProgramConfig, type ProgramEnvironment, SettingsError, unusedSettings } from './config.ts';
import { type ProgramHost, processHost } from './host.ts';
import { Life, type Running } from './life.ts';
import { type LoadedConfig, loadSettings, type SettingsRules } from './load-config.ts';
import { makeLog } from './log.ts';
import { PrometheusMeters } from './metrics.ts';
import { missingRequirements, preflightMsMax, type Requirement } from './preflight.ts';
import { type Closer, servePages } from './serve-pages.ts';

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
  /** Keys of it that this program takes and does not use. */
  unusedKeys?: readonly string[];
  failClosed?: SettingsRules<C, E>['failClosed'];
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
 * Runs a program from its arguments (`command-line.ts`) and environment (`KUBECONFIG`, else the pod's
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

async function run<C extends ProgramConfig, E extends ProgramEnvironment>(
  program: Program<C, E>,
  host: ProgramHost,
  closers: Closer[],
): Promise<number> {
  const commandLine = readCommandLine(host);
  const meters = new PrometheusMeters();
  const connect = connector(program, { kubeconfig: commandLine.kubeconfig, meters, closers });
  const loaded = await loadSettings(program, {
    source: commandLine.config,
    environment: host.environment,
    connect: () => connect({ concurrency: 1, requestTimeoutMs: preflightMsMax }),
  });
  const { config, environment } = loaded;
  const destination = host.logDestination;
  const log = makeLog({ program: program.name, level: config.logLevel, ...(destination && { destination }) });
  const runtime: Runtime = { clock: systemClock, random: Math.random, log, meters };
  tellOf(loaded, runtime, program.unusedKeys);
  const life = new Life(runtime, host);
  const client = connect({ mayWrite: () => life.mayWrite });
  closers.push(() => life.close());
  await servePages(config, { life, meters, runtime, closers, name: program.name, hostname: host.hostname, connect });
  const { clock } = runtime;
  const missing = await missingRequirements(client, program.requirements({ config, environment }), {
    clock,
    signal: life.signal,
  });
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

/** Everything at once, where a person and an alert can see it. */
function tellOf<C extends ProgramConfig>(
  { config, problems, notice }: LoadedConfig<C>,
  { log, meters }: Runtime,
  unusedKeys: readonly string[] = [],
): void {
  for (const problem of problems) log.error({ problem }, 'the configuration has a problem');
  if (notice !== undefined) log.warn({ notice }, 'the configuration is not what it may have been meant to be');
  const gauge = meters.gauge({
    name: 'kmm_configuration_problems',
    help: 'Problems of the ConfigMap that the program was started with: defaults hold instead, the log names each',
  });
  gauge.set(problems.length);
  const settings = unusedSettings(config, unusedKeys);
  if (settings.length > 0) log.warn({ settings }, 'settings have no effect in this version');
}
