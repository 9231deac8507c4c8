import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { describeWalk } from './describe-walk.ts';
import { lookOnHub } from './on-hub.ts';

describeWalk({
  kind: 'ManagedClusterModule',
  otherwise: 'it is data and nothing else: in the work, the status, events and tables',
  statusOf: (admitted) => lookOnHub(admitted as unknown as ManagedClusterModule).object.status,
});
