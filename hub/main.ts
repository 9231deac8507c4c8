import { readFileSync } from 'node:fs';
import { managedClusterModules, managedClusters, manifestWorks } from '@open-cluster-management/api-types';
import { errorMessage } from '../shared/core/errors.ts';
import { controllerRevisions } from '../shared/kube/resources.ts';
import { programEnvironmentSchema, SettingsError } from '../shared/process/config.ts';
import { runProgram } from '../shared/process/program.ts';
import { hubConfigSchema, strictUnlessAllowed, unusedHubKeys } from './config.ts';
import { startHub } from './start.ts';

process.exit(
  await runProgram({
    name: 'kmm-hub',
    version: '0.1.0',
    leaseName: 'kmm-hub.sigs.x-k8s.io',
    configSchema: hubConfigSchema,
    unusedKeys: unusedHubKeys,
    failClosed: strictUnlessAllowed,
    environmentSchema: programEnvironmentSchema,
    requirements: ({ environment }) => [
      { resource: managedClusterModules },
      { resource: managedClusters },
      { resource: manifestWorks },
      { resource: controllerRevisions, namespace: environment.OPERATOR_NAMESPACE },
    ],
    start: ({ config, environment, ...rest }) =>
      startHub({
        ...rest,
        config,
        namespace: environment.OPERATOR_NAMESPACE,
        registryCa: certificates(config.registry.caFile),
      }),
  }),
);

function certificates(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch (error) {
    throw new SettingsError([`registry.caFile: expected a file of PEM certificates: ${errorMessage(error)}`]);
  }
}
