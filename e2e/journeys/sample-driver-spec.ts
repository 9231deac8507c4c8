import type { ModuleSpec } from '@open-cluster-management/api-types';
import { pullSecret } from '../world/fleet/fleet.ts';
import type { StockedRegistry } from '../world/real-parts/stocked-registry.ts';

/**
 * A moduleSpec for the driver of `deploy/samples/driver`, built from the ConfigMap `kmm-sample` as `drivers/<repository>`.
 * `keyPair`: signed with the Secrets `<keyPair>-key` and `<keyPair>-certificate`; undefined: not signed.
 */
export function sampleDriverSpec(stock: StockedRegistry, repository: string, keyPair: string | undefined): ModuleSpec {
  const sign = keyPair && {
    keySecret: { name: `${keyPair}-key` },
    certSecret: { name: `${keyPair}-certificate` },
    filesToSign: ['/opt/lib/modules/$KERNEL_FULL_VERSION/*.ko'],
  };
  return {
    selector: { 'node-role.kubernetes.io/worker': '' },
    imageRepoSecret: { name: pullSecret },
    moduleLoader: {
      container: {
        modprobe: { moduleName: 'kmm_sample', dirName: '/opt', parameters: ['whom=fleet'] },
        kernelMappings: [
          { regexp: '^.+$', containerImage: `${stock.registry.host}/drivers/${repository}:$KERNEL_FULL_VERSION` },
        ],
        build: {
          dockerfileConfigMap: { name: 'kmm-sample' },
          buildArgs: [
            { name: 'SOURCE_IMAGE', value: stock.sources },
            { name: 'BASE_IMAGE', value: stock.base },
          ],
        },
        ...(sign && { sign }),
      },
    },
  };
}
