import { clusterClaims, modules } from '@open-cluster-management/api-types';
import { runProgram } from '../shared/process/program.ts';
import { isManaged, spokeConfigSchema, spokeEnvironmentSchema } from './config.ts';
import { startSpoke } from './start.ts';

process.exit(
  await runProgram({
    name: 'kmm',
    version: '0.1.0',
    leaseName: 'kmm.sigs.x-k8s.io',
    configSchema: spokeConfigSchema,
    environmentSchema: spokeEnvironmentSchema,
    requirements: ({ environment }) =>
      isManaged(environment.KMM_MANAGED).managed
        ? [{ resource: modules }, { resource: clusterClaims }]
        : [{ resource: modules }],
    start: ({ config, environment, client, runtime, signal, identity }) => {
      const { managed, valid } = isManaged(environment.KMM_MANAGED);
      if (!valid) {
        const value = environment.KMM_MANAGED;
        runtime.log.warn({ value }, 'KMM_MANAGED: expected true or false; this cluster tells no hub its kernels');
      }
      const settings = {
        toolsImage: environment.RELATED_IMAGE_WORKER,
        operatorNamespace: environment.OPERATOR_NAMESPACE,
        worker: config.worker,
      };
      return startSpoke({ client, runtime, settings, managed, identity, signal });
    },
  }),
);
