import { isRecord } from '../core/record.ts';
import { isDigest } from './reference.ts';

/** What a manifest says of a blob or of another manifest; members that we do not know stay with it. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  [member: string]: unknown;
}

export function isDescriptor(value: unknown): value is Descriptor {
  if (!isRecord(value)) return false;
  const { mediaType, digest, size } = value;
  const isSize = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  return isSize && typeof mediaType === 'string' && typeof digest === 'string' && isDigest(digest);
}
