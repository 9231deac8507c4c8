import type { Module } from '@open-cluster-management/api-types';
import { describeWalk } from './describe-walk.ts';
import { lookOnSpoke } from './on-spoke.ts';

describeWalk({
  kind: 'Module',
  otherwise: 'it is an argument or a variable of the pods and nothing else',
  statusOf: (admitted) => lookOnSpoke(admitted as unknown as Module).status,
});
