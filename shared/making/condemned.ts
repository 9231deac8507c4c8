import type { KubeClient } from '../kube/client.ts';
import { isConflict } from '../kube/errors.ts';
import { annotations, labels } from '../kube/names.ts';
import type { Job, OwnerReference } from '../kube/object.ts';
import { jobs } from '../kube/resources.ts';
import { type Foreign, nameHolder } from './foreign-job.ts';
import type { MakingObject } from './job-view.ts';
import type { Maker } from './workshop.ts';

/** That an image is being made anew, and of which digest what is there is no good; undefined: of whichever. */
export interface CondemnedNote {
  name: string;
  uid: string;
  resourceVersion: string | undefined;
  owners: readonly OwnerReference[];
  digest: string | undefined;
}

type Makers = readonly [Maker, ...Maker[]];

interface Place {
  client: KubeClient;
  namespace: string;
}

/** Of a note: it lasts as long as one of them does. */
const ownersMax = 32;

/**
 * A Job's name is that of its image: before the next can be made, the one that made what is no good is gone, and with it all that
 * tells that its inputs changed. Until the next has pushed, a suspended Job, which never gets a pod, holds the note through any
 * restart. All modules that want the image own it, so that the one that goes takes it from none of the others.
 */
export async function noteCondemned(
  { client, namespace }: Place,
  {
    imageHash,
    image,
    digest,
    makers,
  }: { imageHash: string; image: string; digest: string | undefined; makers: Makers },
): Promise<Foreign | undefined> {
  const [maker] = makers;
  const name = `kmm-made-anew-${imageHash}`;
  const noted = { [annotations.image]: image, [annotations.condemned]: digest ?? '' };
  const metadata = {
    name,
    namespace,
    labels: { [labels.image]: imageHash, [maker.label]: maker.name },
    annotations: noted,
    ownerReferences: ownersOf(makers),
  };
  const container = { name: 'none', image: 'none' };
  const template = { spec: { restartPolicy: 'Never', automountServiceAccountToken: false, containers: [container] } };
  const note: Job = { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { suspend: true, template } };
  try {
    await client.create(jobs, note);
  } catch (error) {
    if (!isConflict(error)) throw error;
    const holder = await nameHolder(client, jobs, { wanted: note, maker });
    if (holder?.kind === 'foreign') return holder;
    // Gone, or going: it is noted anew.
    const present = holder && noteIn(holder.present);
    if (present === undefined) throw error;
    const body = { metadata: { uid: present.uid, annotations: noted } };
    await client.patch(jobs, { namespace, name }, { type: 'merge', body });
  }
  return undefined;
}

/** Who came later owns it, too; undefined: all do who may. */
export async function shareNote(
  { client, namespace }: Place,
  { name, uid, resourceVersion, owners }: CondemnedNote,
  makers: readonly Maker[],
): Promise<void> {
  const others = ownersOf(makers).filter((owner) => owners.every((each) => each.uid !== owner.uid));
  const ownerReferences = [...owners, ...others].slice(0, ownersMax);
  if (ownerReferences.length === owners.length) return;
  const body = { metadata: { uid, resourceVersion, ownerReferences } };
  await client.patch(jobs, { namespace, name }, { type: 'merge', body });
}

/** None controls it: of several, one only could. */
function ownersOf(makers: readonly Maker[]): OwnerReference[] {
  const owners = makers.map(({ owner: { apiVersion, kind, name, uid } }) => ({ apiVersion, kind, name, uid }));
  return [...new Map(owners.map((owner) => [owner.uid, owner])).values()].slice(0, ownersMax);
}

export async function dropNote({ client, namespace }: Place, { name, uid }: CondemnedNote): Promise<void> {
  await client.delete(jobs, { namespace, name }, { propagationPolicy: 'Background', preconditions: { uid } });
}

export function noteIn({ metadata, spec }: MakingObject): CondemnedNote | undefined {
  const digest = metadata.annotations?.[annotations.condemned];
  if (digest === undefined || !('suspend' in spec && spec.suspend) || metadata.deletionTimestamp !== undefined)
    return undefined;
  const { name, uid = '', resourceVersion, ownerReferences: owners = [] } = metadata;
  return { name, uid, resourceVersion, owners, digest: digest === '' ? undefined : digest };
}
