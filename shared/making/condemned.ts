import type { KubeClient } from '../kube/client.ts';
import { isConflict } from '../kube/errors.ts';
import { annotations, labels } from '../kube/names.ts';
import type { Job } from '../kube/object.ts';
import { jobs } from '../kube/resources.ts';
import type { MakingObject } from './job-view.ts';
import type { Maker } from './workshop.ts';

/** That an image is being made anew, and of which digest what is there is no good; undefined: of whichever. */
export interface CondemnedNote {
  name: string;
  uid: string;
  digest: string | undefined;
}

interface Place {
  client: KubeClient;
  namespace: string;
}

/**
 * A Job's name is that of its image: before the next can be made, the one that made what is no good is gone, and with it all that
 * tells that its inputs changed. Until the next has pushed, a suspended Job, which never gets a pod, holds the note through any restart.
 */
export async function noteCondemned(
  { client, namespace }: Place,
  { imageHash, image, digest, maker }: { imageHash: string; image: string; digest: string | undefined; maker: Maker },
): Promise<void> {
  const name = `kmm-made-anew-${imageHash}`;
  const noted = { [annotations.image]: image, [annotations.condemned]: digest ?? '' };
  const metadata = {
    name,
    namespace,
    labels: { [labels.image]: imageHash, [maker.label]: maker.name },
    annotations: noted,
    ownerReferences: [maker.owner],
  };
  const container = { name: 'none', image: 'none' };
  const template = { spec: { restartPolicy: 'Never', automountServiceAccountToken: false, containers: [container] } };
  const note: Job = { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { suspend: true, template } };
  try {
    await client.create(jobs, note);
  } catch (error) {
    if (!isConflict(error)) throw error;
    await client.patch(jobs, { namespace, name }, { type: 'merge', body: { metadata: { annotations: noted } } });
  }
}

export async function dropNote({ client, namespace }: Place, { name, uid }: CondemnedNote): Promise<void> {
  await client.delete(jobs, { namespace, name }, { propagationPolicy: 'Background', preconditions: { uid } });
}

export function noteIn({ metadata, spec }: MakingObject): CondemnedNote | undefined {
  const digest = metadata.annotations?.[annotations.condemned];
  if (digest === undefined || !('suspend' in spec && spec.suspend) || metadata.deletionTimestamp !== undefined)
    return undefined;
  return { name: metadata.name, uid: metadata.uid ?? '', digest: digest === '' ? undefined : digest };
}
