import { parseArgs } from 'node:util';
import { errorMessage } from '../core/errors.ts';
import type { KubeconfigSource } from '../kube/kubeconfig.ts';
import { SettingsError } from './config.ts';

/** Where the configuration stands: a file, or a ConfigMap in OPERATOR_NAMESPACE as upstream's deployments name it. */
export type ConfigSource = { file: string } | { configMap: string };

export interface CommandLine {
  /** Undefined: all defaults. */
  config: ConfigSource | undefined;
  kubeconfig: KubeconfigSource;
}

const usage = 'expected --config CONFIGMAP or --config ./FILE, --kubeconfig FILE';
/** As the API server asks of names. */
const objectName = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * Reads `--config` (a value with a `/` is a file, anything else a ConfigMap) and `--kubeconfig FILE`; without the latter
 * `KUBECONFIG`, else the pod's service account. Throws `SettingsError`.
 */
export function readCommandLine(from: {
  arguments: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}): CommandLine {
  const options = parsed(from.arguments);
  const path = options.kubeconfig || from.environment['KUBECONFIG'];
  return {
    config: options.config === undefined ? undefined : sourceOf(options.config),
    kubeconfig: path ? { path } : { inCluster: true, environment: from.environment },
  };
}

function parsed(given: readonly string[]): { config?: string; kubeconfig?: string } {
  try {
    return parseArgs({
      args: [...given],
      options: { config: { type: 'string' }, kubeconfig: { type: 'string' } },
      strict: true,
      allowPositionals: false,
    }).values;
  } catch (error) {
    throw new SettingsError([`${errorMessage(error)} (${usage})`]);
  }
}

function sourceOf(text: string): ConfigSource {
  if (text.includes('/')) return { file: text };
  if (objectName.test(text)) return { configMap: text };
  throw new SettingsError([`--config ${JSON.stringify(text)} is neither a ConfigMap's name nor a path (${usage})`]);
}
