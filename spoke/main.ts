import { clusterClaims, modules } from '@open-cluster-management/api-types';
import { daemonSets, networkPolicies, nodes, pods } from '../shared/kube/resources.ts';
import { readCertificates } from '../shared/process/certificates.ts';
import { runProgram } from '../shared/process/program.ts';
import { failClosed, isManaged, spokeConfigSchema, spokeEnvironmentSchema } from './config.ts';
import { startSpoke } from './start.ts';

const watched = [modules, nodes, pods, daemonSets, networkPolicies].map((resource) => ({ resource }));

process.exit(
  await runProgram({
    name: 'kmm',
    version: '0.1.0',
    leaseName: 'kmm.sigs.x-k8s.io',
    configSchema: spokeConfigSchema,
    failClosed,
    environmentSchema: spokeEnvironmentSchema,
    requirements: ({ environment }) =>
      isManaged(environment.KMM_MANAGED).managed
        ? [...watched, { resource: clusterClaims, hint: 'set KMM_MANAGED=0 on a cluster without a hub' }]
        : watched,
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
      const registryCa = readCertificates(config.registry.caFile);
      return startSpoke({ client, runtime, settings, managed, identity, signal, images: { config, registryCa } });
    },
  }),
);
