import type { ServedKind } from '../kinds/served-kind.ts';
import type { Stored } from '../store/stored.ts';

/** What a client asked for that wants a table instead of objects. */
export interface TableRequest {
  /** Of each row's object; kubectl asks for the whole one when it sorts or shows labels. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

/** Undefined for a client that wants the objects themselves. Of the media types that it accepts, the first one counts. */
export function tableRequest(accept: string, query: URLSearchParams): TableRequest | undefined {
  const [first = ''] = accept.split(',').map(parametersOf).filter(isServed);
  if (!isTable(first)) return undefined;
  const asked = query.get('includeObject');
  return { includeObject: asked === 'None' || asked === 'Object' ? asked : 'Metadata' };
}

function parametersOf(range: string): string {
  return `;${range.replaceAll(/\s/g, '')};`;
}

function isTable(range: string): boolean {
  return [';as=Table;', ';v=v1;', ';g=meta.k8s.io;'].every((part) => range.includes(part));
}

function isServed(range: string): boolean {
  return isTable(range) || !range.includes(';as=');
}

export interface TablePage {
  readonly items: readonly Stored[];
  /** Of the list: its revision, and the next page's token. */
  readonly metadata: Record<string, unknown>;
  /** Left out of a watch's later events. */
  readonly withColumns: boolean;
}

/** A meta.k8s.io/v1 Table: the cells that `kubectl get` prints, made by the server as it is in Kubernetes. */
export function encodeTable(kind: ServedKind, page: TablePage, how: TableRequest & { nowMs: number }): string {
  const columnDefinitions = kind.columns.map(({ name, type, format = '', description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
  const rows = page.items.map(({ object }) => ({
    cells: kind.columns.map((column) => column.cell(object, how.nowMs)),
    ...(how.includeObject === 'Object' && { object: kind.view?.fromStored(object) ?? object }),
    ...(how.includeObject === 'Metadata' && {
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    }),
  }));
  return JSON.stringify({
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: page.metadata,
    columnDefinitions: page.withColumns ? columnDefinitions : null,
    rows,
  });
}
