import type { ImageStatus } from '@open-cluster-management/api-types';
import { reasons } from '../managed-cluster-module/reasons.ts';
import { wantedRevision } from '../managed-cluster-module/revision.ts';
import { mappingsIn } from '../managed-cluster-module/work.ts';
import type { Sight } from './explain.ts';
import { broken, type Link, ok, unknown, waits } from './links.ts';

/** Which mapping of the present spec serves each kernel that runs there. */
export function mappingLink(sight: Sight): Link {
  const revision = wantedRevision(sight.view);
  if (revision === undefined) return unknown('mapping', ['the spec cannot be used']);
  if (revision.moduleSpec.moduleLoader === undefined) return ok('mapping', [notNeeded]);
  const { running } = sight.kernels;
  if (running.length === 0) return unknown('mapping', ['no kernel of the cluster is known']);
  const answers = running.map((kernel) => ({ kernel, answer: revision.resolve(kernel) }));
  const seen = answers.map(({ kernel, answer }) => {
    if (answer.kind === 'none') return `${kernel}: no kernel mapping matches`;
    if (answer.kind === 'error') return `${kernel}: ${answer.message}`;
    return `${kernel}: kernelMappings[${answer.mapping.index}], image ${answer.mapping.containerImage}`;
  });
  if (answers.some(({ answer }) => answer.kind === 'error')) return broken('mapping', reasons.mappingError, seen);
  if (answers.some(({ answer }) => answer.kind === 'none')) return broken('mapping', reasons.noMapping, seen);
  return ok('mapping', seen);
}

export const notNeeded = 'not needed: the Module has no moduleLoader';
const underWay: ReadonlySet<string> = new Set(['Checking', 'Building', 'Signing']);

/** How far the image of each mapped kernel is, by the hub's status. */
export function imageLink(sight: Sight): Link {
  const revision = wantedRevision(sight.view);
  if (revision === undefined) return unknown('image', ['the spec cannot be used']);
  if (revision.moduleSpec.moduleLoader === undefined) return ok('image', [notNeeded]);
  if (sight.view.imageCheck === 'Skip') return ok('image', ['shipped by name, not checked (imageCheck: Skip)']);
  const images = sight.kernels.running.flatMap((kernel) => {
    const answer = revision.resolve(kernel);
    return answer.kind === 'match' ? [standing(sight, kernel, answer.mapping.containerImage)] : [];
  });
  if (images.length === 0) return unknown('image', ['no kernel of the cluster has a mapping']);
  const seen = images.map(({ text }) => text);
  const bad = images.find(({ state }) => state === 'broken');
  if (bad !== undefined) return broken('image', bad.reason, seen);
  const pending = images.find(({ state }) => state === 'waits');
  if (pending !== undefined) return waits('image', pending.reason, seen);
  return images.some(({ state }) => state === 'unknown') ? unknown('image', seen) : ok('image', seen);
}

interface Standing {
  state: Link['state'];
  reason: string;
  text: string;
}

function standing({ module, found }: Sight, kernel: string, image: string): Standing {
  const entry = module.status?.images?.find((each) => each.kernelVersion === kernel && each.image === image);
  if (entry !== undefined) return standingOf(entry);
  const shipped = mappingsIn(found?.spec).find(({ literal }) => literal === kernel)?.containerImage;
  if (shipped !== undefined) return { state: 'ok', reason: '', text: `${kernel}: the work ships ${shipped}` };
  const text = `${kernel}: ${image} is not among the images of the hub's status`;
  return { state: 'unknown', reason: 'NotKnown', text };
}

function standingOf({ kernelVersion, image, state, digest, reason = state, message = '' }: ImageStatus): Standing {
  if (state === 'Verified') return { state: 'ok', reason: '', text: `${kernelVersion}: ${image} is there, ${digest}` };
  if (state === 'Unchecked') return { state: 'ok', reason: '', text: `${kernelVersion}: ${image} is not checked` };
  const text = `${kernelVersion}: ${image}: ${reason}: ${message}`;
  return { state: underWay.has(state) ? 'waits' : 'broken', reason, text };
}
