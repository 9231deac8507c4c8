import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { errorMessage } from '../core/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import { configMaps } from '../kube/resources.ts';
import type { ConfigSource } from './command-line.ts';
import { readConfig, readEnvironment, readSettings, SettingsError } from './config.ts';
import { type LenientConfig, readConfigLeniently } from './lenient-config.ts';
import { refusalOf } from './preflight.ts';

/** Key of a ConfigMap, as upstream has it. */
const key = 'controller_config.yaml';

export interface LoadedConfig<C> {
  config: C;
  /** Wrong in the ConfigMap: what is told holds instead. */
  problems: readonly string[];
  /** What else is to be told of where the configuration came from. */
  notice?: string;
}

export interface SettingsRules<C, E> {
  configSchema: z.ZodType<C>;
  environmentSchema: z.ZodType<E>;
  /** Last word on a ConfigMap with problems, when a default could be laxer than what was meant (decision 15). */
  failClosed?: ((lenient: LenientConfig<C>) => { config: C; told?: string }) | undefined;
}

interface Place {
  source: ConfigSource | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  /** Called when a ConfigMap is to be read. */
  connect: () => KubeClient;
}

/**
 * The settings of a program. A person is before the terminal who names a *file*: everything that is wrong in it and in the
 * environment is thrown as one `SettingsError`. A *ConfigMap* is read once, and what is wrong in it falls back to
 * defaults: an operator that does not start after a slip helps nobody (checklist 195). No right to read it, or no API
 * server, is an error.
 */
export async function loadSettings<C, E extends { OPERATOR_NAMESPACE: string }>(
  rules: SettingsRules<C, E>,
  { source, environment, connect }: Place,
): Promise<LoadedConfig<C> & { environment: E }> {
  if (source === undefined || 'file' in source) {
    const config = source && { text: readText(source.file), place: source.file };
    return { ...readSettings({ ...rules, config, environment }), problems: [] };
  }
  const read = readEnvironment(rules.environmentSchema, environment);
  const data = await configMapData({ namespace: read.OPERATOR_NAMESPACE, name: source.configMap }, connect);
  if (data !== undefined) return { ...fromConfigMap(rules, data[key]), environment: read };
  const notice = 'there is no such ConfigMap: all defaults hold (the name of a file needs a slash, as in ./name)';
  return { config: readConfig(rules.configSchema, undefined), problems: [], notice, environment: read };
}

function fromConfigMap<C, E>(
  { configSchema, failClosed }: SettingsRules<C, E>,
  text: string | undefined,
): LoadedConfig<C> {
  const read = readConfigLeniently(configSchema, text ?? '');
  const problems = text === undefined ? [`${key}: the ConfigMap has no such key; all defaults hold`] : read.problems;
  if (problems.length === 0 || failClosed === undefined) return { config: read.config, problems };
  const { config, told } = failClosed({ ...read, problems });
  return { config, problems, ...(told !== undefined && { notice: told }) };
}

async function configMapData(
  { namespace, name }: { namespace: string; name: string },
  connect: () => KubeClient,
): Promise<Readonly<Record<string, string>> | undefined> {
  const client = connect();
  try {
    const found = await client.get(configMaps, { namespace, name });
    return found && (found.data ?? {});
  } catch (error) {
    const what = `ConfigMap ${namespace}/${name} of --config`;
    if (!(error instanceof KubeError)) throw new SettingsError([`${what}: ${errorMessage(error)}`]);
    throw new SettingsError([refusalOf(error, `get ${what}`)]);
  } finally {
    await client.close();
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SettingsError([`cannot read the configuration ${path}: ${errorMessage(error)}`]);
  }
}
