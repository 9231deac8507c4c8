import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resources.ts';
import type { OpenShiftBuild } from './openshift-build.ts';

export const builds = resource<OpenShiftBuild>('build.openshift.io', 'v1', 'Build', 'builds', true);

/** As far as we read it: what its tags are made from. */
export type ImageStream = KubeObject & {
  spec?: { tags?: { name?: string; from?: { kind?: string; name?: string } }[] };
};

export const imageStreams = resource<ImageStream>('image.openshift.io', 'v1', 'ImageStream', 'imagestreams', true);

/** Where OpenShift keeps its toolkits, a tag for each OS build. */
export const toolkitStream = { namespace: 'openshift', name: 'driver-toolkit' } as const;

/** On the pod of a Build: the Build's name. OpenShift gives it no other label, and none of those that the Build has. */
export const buildNameLabel = 'openshift.io/build.name';
