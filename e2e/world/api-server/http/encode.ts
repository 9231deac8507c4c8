import { groupVersion, type ServedKind } from '../kinds/served-kind.ts';
import type { Write } from '../store/collection.ts';
import type { Stored } from '../store/stored.ts';
import { encodeTable, type TableRequest } from '../tables/table.ts';
import { encodeMetadata, encodeMetadataList, type MetadataRequest, requireMetadataOf } from './metadata-only.ts';
import type { ResourceRequest } from './request.ts';

/** The object as the request wants to see it. */
export function encodeAnswer({ kind, metadata }: Pick<ResourceRequest, 'kind' | 'metadata'>, stored: Stored): string {
  if (metadata === undefined) return encodeObject(kind, stored);
  requireMetadataOf(metadata, 'object');
  return encodeMetadata(stored);
}

/** The object's JSON in the version that was asked for. */
export function encodeObject(kind: ServedKind, stored: Stored): string {
  return headOf(kind) + bodyOf(kind, stored);
}

export function encodeList(
  kind: ServedKind,
  page: { items: readonly Stored[]; revision: number; continueToken?: string; remaining?: number },
  as: { table?: (TableRequest & { nowMs: number }) | undefined; metadata?: MetadataRequest | undefined } = {},
): string {
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken !== undefined && { continue: page.continueToken, remainingItemCount: page.remaining }),
  };
  if (as.table) return encodeTable(kind, { items: page.items, metadata, withColumns: true }, as.table);
  if (as.metadata) {
    requireMetadataOf(as.metadata, 'list');
    return encodeMetadataList(page.items, metadata);
  }
  // Items of built-in kinds carry neither apiVersion nor kind in Kubernetes; those of custom resources do.
  const head = kind.builtIn ? '{' : headOf(kind);
  const items = page.items.map((stored) => head + bodyOf(kind, stored)).join(',');
  const start = `{"kind":"${kind.listKind}","apiVersion":"${groupVersion(kind)}"`;
  return `${start},"metadata":${JSON.stringify(metadata)},"items":[${items}]}`;
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** Lines of watch streams, made once a write however many watchers get it. */
export class EventLines {
  readonly #lines = new WeakMap<Write, Map<string, Buffer>>();

  line(kind: ServedKind, write: Write, sent: { type: EventType; stored: Stored }): Buffer {
    const lines = this.#lines.get(write) ?? new Map<string, Buffer>();
    this.#lines.set(write, lines);
    const key = `${sent.type} ${sent.stored === write.current} ${groupVersion(kind)}`;
    const present = lines.get(key);
    if (present) return present;
    const made = Buffer.from(eventLine(sent.type, encodeObject(kind, sent.stored)));
    lines.set(key, made);
    return made;
  }
}

export function eventLine(type: string, objectJson: string): string {
  return `{"type":"${type}","object":${objectJson}}\n`;
}

function bodyOf({ view }: ServedKind, stored: Stored): string {
  if (view === undefined) return stored.body;
  const { apiVersion: _, kind: __, ...rest } = view.fromStored(stored.object);
  return JSON.stringify(rest).slice(1);
}

function headOf(kind: ServedKind): string {
  return `{"kind":"${kind.kind}","apiVersion":"${groupVersion(kind)}",`;
}
