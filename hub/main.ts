import { managedClusterModules, managedClusters, manifestWorks } from '@open-cluster-management/api-types';
import { controllerRevisions } from '../shared/kube/resources.ts';
import { strictUnlessAllowed } from '../shared/process/builds-config.ts';
import { readCertificates } from '../shared/process/certificates.ts';
import { programEnvironmentSchema } from '../shared/process/config.ts';
import { measureEventLoop } from '../shared/process/event-loop.ts';
import { runProgram } from '../shared/process/program.ts';
import { hubConfigSchema, unusedHubKeys } from './config.ts';
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
    start: ({ config, environment, ...rest }) => {
      measureEventLoop(rest.runtime.meters);
      return startHub({
        ...rest,
        config,
        namespace: environment.OPERATOR_NAMESPACE,
        registryCa: readCertificates(config.registry.caFile),
      });
    },
  }),
);
