import { parse } from 'yaml';
import { z } from 'zod';
import { errorMessage } from '../core/errors.ts';
import { isLoopback, parseBindAddress } from './bind-address.ts';

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

/**
 * Keys that a check across keys concerns: a configuration that is read leniently (`lenient-config.ts`) sets exactly these
 * back. zod hands `params` on with the issue.
 */
const resets = (...keys: string[]) => ({ params: { resets: keys } });

const metricsSchema = z
  .strictObject({
    bindAddress: bindAddressSchema.prefault('0.0.0.0:8443'),
    /** HTTPS; of a certificate made at start unless `certDir` has one. */
    secureServing: z.boolean().default(true),
    /** Asks the API server who a scraper is, and whether it may get `/metrics`. */
    enableAuthnAuthz: z.boolean().default(true),
    /** Folder of `tls.crt` and `tls.key`, read again when they change. Ours. */
    certDir: z.string().min(1).optional(),
    disableHTTP2: z.boolean().default(true),
  })
  .prefault({})
  .refine(
    ({ bindAddress, secureServing, enableAuthnAuthz }) =>
      secureServing || !enableAuthnAuthz || bindAddress === undefined || isLoopback(bindAddress),
    {
      message:
        "secureServing: false would let scrapers' tokens travel in clear: set it to true, enableAuthnAuthz to false, or bindAddress to a loopback address",
      ...resets('secureServing'),
    },
  );

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
  metrics: metricsSchema,
  leaderElection: leaderElectionSchema
    .prefault({})
    .refine(
      ({ leaseDuration, renewDeadline, retryPeriod }) => leaseDuration > renewDeadline && renewDeadline > retryPeriod,
      {
        message: 'expected leaseDuration > renewDeadline > retryPeriod',
        ...resets('leaseDuration', 'renewDeadline', 'retryPeriod'),
      },
    )
    .refine(({ retryPeriod }) => retryPeriod >= retryMsMin, {
      message: `expected a retryPeriod of at least ${retryMsMin}ms`,
      ...resets('retryPeriod'),
    }),
  /** How long Jobs stay that made an image. */
  job: z.strictObject({ gcDelay: durationMsSchema.optional() }).optional(),
  /** Upstream's, taken so that its configuration can stay: this version serves no webhook. */
  webhook: z
    .strictObject({ disableHTTP2: z.boolean().optional(), port: z.int().min(1).max(65_535).optional() })
    .optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});
export type ProgramConfig = z.infer<typeof programConfigSchema>;

/** Settings that are valid and have no effect in this version, to be told at start; `also`: keys of one program. */
export function unusedSettings(config: ProgramConfig, also: readonly string[] = []): string[] {
  const set = Object.entries(config).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  const unused = new Set(['webhook', ...also]);
  return [...set.filter((key) => unused.has(key)), ...(config.metrics.disableHTTP2 ? [] : ['metrics.disableHTTP2'])];
}

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

/** A configuration as text; `place` names it in messages. */
export interface ConfigText {
  text: string;
  place: string;
}

/** What the file says (`undefined`: all defaults), or a `SettingsError` with everything that is wrong in it. */
export function readConfig<C>(schema: z.ZodType<C>, config: ConfigText | undefined): C {
  const { value, problem } = yamlValue(config?.text ?? '');
  const place = config?.place ?? 'configuration';
  const parsed = schema.safeParse(value ?? {});
  const problems = [...(problem === undefined ? [] : [`${place}: ${problem}`])];
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => `${place}: ${problemOf(issue)}`));
  if (problems.length > 0 || !parsed.success) throw new SettingsError(problems);
  return parsed.data;
}

export function readEnvironment<E>(schema: z.ZodType<E>, environment: Readonly<Record<string, string | undefined>>): E {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  throw new SettingsError(parsed.error.issues.map((issue) => `environment: ${problemOf(issue)}`));
}

export interface SettingsSource<C, E> {
  configSchema: z.ZodType<C>;
  environmentSchema: z.ZodType<E>;
  config: ConfigText | undefined;
  environment: Readonly<Record<string, string | undefined>>;
}

/** Reads both, or throws a `SettingsError` with the problems of both. */
export function readSettings<C, E>(source: SettingsSource<C, E>): { config: C; environment: E } {
  const problems: string[] = [];
  const config = collecting(problems, () => readConfig(source.configSchema, source.config));
  const environment = collecting(problems, () => readEnvironment(source.environmentSchema, source.environment));
  if (config === undefined || environment === undefined) throw new SettingsError(problems);
  return { config: config.value, environment: environment.value };
}

function collecting<T>(problems: string[], read: () => T): { value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** `undefined` of an empty document. */
export function yamlValue(text: string): { value?: unknown; problem?: string } {
  try {
    return { value: parse(text, { maxAliasCount: 0, prettyErrors: true, logLevel: 'error' }) ?? undefined };
  } catch (error) {
    return { problem: `no YAML: ${errorMessage(error).split('\n')[0]}` };
  }
}

/** `metrics.bindAddress: expected …` */
export function problemOf({ path, message }: Pick<z.core.$ZodIssue, 'path' | 'message'>): string {
  return `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`;
}
