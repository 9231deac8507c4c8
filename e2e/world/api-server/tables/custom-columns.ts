import { age, ageColumn, type Cell, type Column, nameColumn } from './column.ts';
import { parseJsonPath } from './json-path.ts';

/** As a CustomResourceDefinition writes it in `additionalPrinterColumns`. */
export interface PrinterColumn {
  name: string;
  type: Column['type'];
  jsonPath: string;
  format?: string;
  description?: string;
  priority?: number;
}

/** The name, then what the definition asks for; without any, the age. */
export function customColumns(written: readonly PrinterColumn[] | undefined): readonly Column[] {
  return [nameColumn, ...(written?.map(customColumn) ?? [ageColumn])];
}

function customColumn({ name, type, jsonPath, format, description, priority }: PrinterColumn): Column {
  const read = parseJsonPath(jsonPath);
  return {
    name,
    type,
    ...(format !== undefined && { format }),
    description: description ?? '',
    priority: priority ?? 0,
    // As in Kubernetes, only the first of several values is shown.
    cell: (object, nowMs) => cellOf(type, read(object)[0], nowMs),
  };
}

function cellOf(type: Column['type'], value: unknown, nowMs: number): Cell {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'date':
      return age(value, nowMs);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
}
