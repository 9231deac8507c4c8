import { errorMessage } from '../core/errors.ts';
import { oneLine } from '../core/one-line.ts';
import { ArchiveRefused } from '../images/files/archive-refused.ts';
import { RegistryFailure } from '../registry/failure.ts';
import { ImageRefused } from './image-refused.ts';
import type { SignedImage } from './sign-image.ts';
import { SigningRefused } from './signing-refused.ts';

/**
 * What the sign Job leaves behind, as one line of JSON. `Refused`: it would come out the same again until a person changes something;
 * `Failed`: another time it may succeed.
 */
export type SignResult =
  | { result: 'Signed'; digest: string; files: readonly string[]; more?: number }
  | { result: 'Refused' | 'Failed'; reason: string; message: string };

/** A termination message holds 4,096 bytes, those of all containers of a pod 12 KiB together. */
const resultBytesMax = 3_500;
const messageCharsMax = 800;

export function resultOf(image: SignedImage): SignResult {
  if (image.kind === 'missing') {
    return { result: 'Failed', reason: 'ImageMissing', message: 'the unsigned image is not in the registry' };
  }
  const { digest, files } = image;
  let shown = files.length;
  const cut = (): SignResult => ({
    result: 'Signed',
    digest,
    files: files.slice(0, shown),
    ...(shown < files.length && { more: files.length - shown }),
  });
  while (shown > 0 && Buffer.byteLength(JSON.stringify(cut())) > resultBytesMax) shown -= 1;
  return cut();
}

/** Never a key, a password or a token: no error of ours holds one. */
export function resultOfError(error: unknown): SignResult {
  const message = oneLine(errorMessage(error)).slice(0, messageCharsMax);
  if (error instanceof ImageRefused || error instanceof ArchiveRefused || error instanceof SigningRefused)
    return { result: 'Refused', reason: error.reason, message };
  if (error instanceof RegistryFailure) return { result: 'Failed', reason: error.reason, message };
  return { result: 'Failed', reason: 'SignerBroke', message };
}
