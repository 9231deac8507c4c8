import { parse } from 'yaml';
import { z } from 'zod';
import { errorMessage } from '../core/errors.ts';
import { parseBindAddress } from './bind-address.ts';

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration (`1h30m`, `2.5s`, `0s`) as milliseconds. */
export const durationMsSchema = z.string().transform((text, context) => {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length > 0 && parts.map((part) => part[0]).join('') === text) {
    return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (unitMs[unit ?? ''] ?? 0), 0);
  }
  context.addIssue(`expected a duration such as 30s or 1h30m, got ${JSON.stringify(text)}`);
  return z.NEVER;
});

const bindAddressSchema = z.string().transform((text, context) => {
  try {
    return parseBindAddress(text);
  } catch (error) {
    context.addIssue(errorMessage(error));
    return z.NEVER;
  }
});

const plainOnly = (what: string) =>
  z
    .literal(
      false,
      `metrics are served as plain HTTP, without ${what}: set it to false, and bindAddress to a loopback address or "0"`,
    )
    .default(false);

const metricsSchema = z.strictObject({
  bindAddress: bindAddressSchema.prefault('127.0.0.1:8080'),
  secureServing: plainOnly('TLS'),
  enableAuthnAuthz: plainOnly('authentication'),
  disableHTTP2: z.boolean().default(true),
});

/** Each try is a request to the API server. */
const retryMsMin = 100;

const leaderElectionSchema = z.strictObject({
  enabled: z.boolean().default(true),
  /** The lease's name; each program has its own default. */
  resourceID: z.string().min(1).max(253).optional(),
  leaseDuration: durationMsSchema.prefault('15s'),
  renewDeadline: durationMsSchema.prefault('10s'),
  retryPeriod: durationMsSchema.prefault('2s'),
});

/**
 * The configuration that every program has (facts, behaviour (m)); a program extends it with its own keys:
 * `programConfigSchema.extend({ worker: … })`. Unknown keys are errors.
 */
export const programConfigSchema = z.strictObject({
  healthProbeBindAddress: bindAddressSchema.prefault(':8081'),
  metrics: metricsSchema.prefault({}),
  leaderElection: leaderElectionSchema
    .prefault({})
    .refine(
      ({ leaseDuration, renewDeadline, retryPeriod }) => leaseDuration > renewDeadline && renewDeadline > retryPeriod,
      'expected leaseDuration > renewDeadline > retryPeriod',
    )
    .refine(({ retryPeriod }) => retryPeriod >= retryMsMin, `expected a retryPeriod of at least ${retryMsMin}ms`),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});
export type ProgramConfig = z.infer<typeof programConfigSchema>;

/** The environment that every program has; extended alike. Empty counts as not set. */
export const programEnvironmentSchema = z.object({
  OPERATOR_NAMESPACE: z.string('expected the namespace that we run in'),
});
export type ProgramEnvironment = z.infer<typeof programEnvironmentSchema>;

/** All that is wrong with configuration and environment, one problem a line. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export interface SettingsSource<C, E> {
  configSchema: z.ZodType<C>;
  environmentSchema: z.ZodType<E>;
  /** YAML; `undefined`: all defaults. `place` names it in messages. */
  config: { text: string; place: string } | undefined;
  environment: Readonly<Record<string, string | undefined>>;
}

/** Reads both, or throws a `SettingsError` with the problems of both. */
export function readSettings<C, E>(source: SettingsSource<C, E>): { config: C; environment: E } {
  const problems: string[] = [];
  const document = yamlValue(source.config, problems);
  const config = source.configSchema.safeParse(document ?? {});
  if (!config.success) problems.push(...problemsOf(config.error, source.config?.place ?? 'configuration'));
  const set = Object.fromEntries(Object.entries(source.environment).filter(([, value]) => value !== ''));
  const environment = source.environmentSchema.safeParse(set);
  if (!environment.success) problems.push(...problemsOf(environment.error, 'environment'));
  if (problems.length > 0 || !config.success || !environment.success) throw new SettingsError(problems);
  return { config: config.data, environment: environment.data };
}

function yamlValue(config: { text: string; place: string } | undefined, problems: string[]): unknown {
  if (config === undefined) return undefined;
  try {
    return parse(config.text, { maxAliasCount: 0, prettyErrors: true });
  } catch (error) {
    problems.push(`${config.place}: no YAML: ${errorMessage(error).split('\n')[0]}`);
    return undefined;
  }
}

function problemsOf(error: z.ZodError, place: string): string[] {
  return error.issues.map(
    (issue) => `${place}: ${issue.path.length === 0 ? '' : `${issue.path.join('.')}: `}${issue.message}`,
  );
}
