import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import type { ImageRequest, ImageState, UnknownReason } from '../../shared/images/look-up.ts';

/** What the hub's status says of an image, as its decisions take it. Undefined: the status does not name it. Pure. */
export function statedImage(
  { status }: ManagedClusterModule,
  { image, recipe }: Pick<ImageRequest, 'image' | 'recipe'>,
): ImageState | undefined {
  const entry = status?.images?.find(
    (each) => each.image === image && (recipe === undefined || each.kernelVersion === recipe.kernel),
  );
  if (entry === undefined) return undefined;
  const { state, digest, reason = state, message = '' } = entry;
  switch (state) {
    case 'Verified':
      return digest === undefined ? undefined : { state, digest };
    case 'Unchecked':
      return undefined;
    case 'Checking':
      return { state };
    case 'Missing':
      return { state, message };
    case 'Unknown':
      return { state, reason: reason as UnknownReason, message };
    default:
      return { state, reason, message };
  }
}
