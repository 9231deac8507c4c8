import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { errorMessage } from '../core/errors.ts';
import type { KubeconfigSource } from '../kube/kubeconfig.ts';
import { SettingsError } from './config.ts';

export interface CommandLine {
  config: { text: string; place: string } | undefined;
  kubeconfig: KubeconfigSource;
}

/** Reads `--config FILE` and `--kubeconfig FILE`; without the latter `KUBECONFIG`, else the pod's service account. Throws `SettingsError`. */
export function readCommandLine(from: {
  arguments: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}): CommandLine {
  const options = parsed(from.arguments);
  const path = options.kubeconfig || from.environment['KUBECONFIG'];
  return {
    config: options.config === undefined ? undefined : { text: readConfig(options.config), place: options.config },
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
    throw new SettingsError([`${errorMessage(error)} (expected --config FILE, --kubeconfig FILE)`]);
  }
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SettingsError([`cannot read the configuration ${path}: ${errorMessage(error)}`]);
  }
}
