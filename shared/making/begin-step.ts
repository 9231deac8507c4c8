import { unreachable } from '../core/assert.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict } from '../kube/errors.ts';
import { type Foreign, nameHolder } from './foreign-job.ts';
import type { JobShelf } from './job-shelf.ts';
import { makingResources } from './job-view.ts';
import type { MakingJob, Step } from './picture.ts';
import type { NotYet, WorkOrder, Workshop } from './workshop.ts';

export type Begun =
  | { kind: 'begun'; job: Pick<MakingJob, 'kind' | 'name'> }
  | { kind: 'refused'; reason: string; message: string }
  | Foreign
  | NotYet;

/** Creates what does a step of making an image. From the beginning on it counts as one of those that work. */
export async function beginStep(
  { client, workshop, shelf }: { client: KubeClient; workshop: Workshop; shelf: JobShelf },
  step: Step,
  { image, ...order }: WorkOrder & { image: string; hash: string; attempt: number },
): Promise<Begun> {
  shelf.noteMade(image, workshop.nameOf(step, order));
  try {
    const made = await workshop.job(step, order);
    switch (made.kind) {
      case 'refused':
      case 'not yet':
        shelf.noteNotMade(image);
        return made;
      case 'object': {
        const { name } = made.object.metadata;
        const kind = made.object.kind === 'Build' ? 'Build' : 'Job';
        const resource = makingResources[kind];
        try {
          await client.create(resource, made.object);
        } catch (error) {
          if (!isConflict(error)) throw error;
          shelf.noteNotMade(image);
          const holder = await nameHolder(client, resource, { wanted: made.object, maker: order.module });
          // The cache is slower than we are.
          return holder?.kind === 'foreign' ? holder : { kind: 'not yet', why: 'JobExists' };
        }
        return { kind: 'begun', job: { kind, name } };
      }
      default:
        return unreachable(made);
    }
  } catch (error) {
    shelf.noteNotMade(image);
    throw error;
  }
}
