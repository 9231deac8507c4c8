import { ApiFailure } from '../failures.ts';
import type { Stored } from '../store/stored.ts';

/** Of what a client asked for that wants to see objects' metadata only: each by itself, or a list of them. */
export type MetadataRequest = 'object' | 'list';

/** Undefined for a client that wants something else. Of the media types that it accepts, the first one counts. */
export function metadataRequest(accept: string): MetadataRequest | undefined {
  const [first = ''] = accept.split(',');
  const parameters = first.split(';').map((part) => part.trim());
  if (!parameters.includes('g=meta.k8s.io') || !parameters.includes('v=v1')) return undefined;
  if (parameters.includes('as=PartialObjectMetadataList')) return 'list';
  return parameters.includes('as=PartialObjectMetadata') ? 'object' : undefined;
}

/** 406 for a list as an object, and the other way round. */
export function requireMetadataOf(asked: MetadataRequest, answer: MetadataRequest): void {
  if (asked === answer) return;
  const [wanted, got] =
    answer === 'list' ? ['PartialObjectMetadata', 'is a list'] : ['PartialObjectMetadataList', 'is not a list'];
  throw new ApiFailure(406, 'NotAcceptable', `you requested ${wanted}, but the requested object ${got}`);
}

export function encodeMetadata({ object }: Stored): string {
  return metadataJson(object.metadata);
}

export function metadataJson(metadata: object): string {
  return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata });
}

export function encodeMetadataList(items: readonly Stored[], metadata: Record<string, unknown>): string {
  const head = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)}`;
  return `${head},"items":[${items.map(encodeMetadata).join(',')}]}`;
}
