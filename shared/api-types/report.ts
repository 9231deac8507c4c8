import { z } from 'zod';

/** Bounds of `Module.status.report` (contract 4). */
export const reportBounds = { bytesMax: 4096, errorMessageCharsMax: 200, kernelsMax: 256, errorsMax: 64 } as const;

const count = z.int().min(0).max(1_000_000);
/** Nodes: desired, loaded, failed, unreachable. */
const countsSchema = z.tuple([count, count, count, count]);
export type ReportCounts = z.infer<typeof countsSchema>;
const name = z.string().max(256);

export const reportErrorSchema = z.object({
  node: name,
  kernel: name,
  reason: name,
  message: z.string().max(reportBounds.errorMessageCharsMax),
});
export type ReportError = z.infer<typeof reportErrorSchema>;

const fewerThan = (entriesMax: number) => (entries: object) => Object.keys(entries).length <= entriesMax;

/** The report string of contract 4: what a spoke tells its hub about one Module, as compact JSON. */
export const reportSchema = z.object({
  v: z.literal(1),
  /** `moduleLoader.container.version`. */
  version: name.optional(),
  nodes: countsSchema,
  kernels: z.record(name, countsSchema).refine(fewerThan(reportBounds.kernelsMax)).optional(),
  moreKernels: count.optional(),
  /** Kernels of selected nodes that no mapping matches. */
  unmapped: z.array(name).max(reportBounds.kernelsMax).optional(),
  moreUnmapped: count.optional(),
  errors: z.array(reportErrorSchema).max(reportBounds.errorsMax).optional(),
  /** Errors that were cut. */
  more: count.optional(),
});
export type Report = z.infer<typeof reportSchema>;

/** Control characters of ASCII and Latin-1, line separators, and characters that have no width or change the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/**
 * Reads what a cluster reports as hostile text: undefined when it is longer than the contract allows, no JSON, or of
 * another shape. Control characters in its strings are removed; unknown fields are dropped.
 */
export function parseReport(text: string): Report | undefined {
  if (text.length > reportBounds.bytesMax || new TextEncoder().encode(text).length > reportBounds.bytesMax)
    return undefined;
  const parsed = reportSchema.safeParse(readJson(text));
  return parsed.success ? parsed.data : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text, isPlain(text) ? undefined : (_key, value: unknown) => printable(value));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Without escapes its strings are what they look like: nearly all reports, and to look at each value takes longer than to parse. */
function isPlain(text: string): boolean {
  return !text.includes('\\') && text.search(control) < 0 && text.isWellFormed();
}

/** Strings and the keys of objects without control characters; the reviver calls it from the leaves up. */
function printable(value: unknown): unknown {
  if (typeof value === 'string') return withoutControl(value);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [withoutControl(key), member]));
}

/** Half a surrogate pair, which JSON can hold and an API server cannot, becomes the replacement character. */
function withoutControl(text: string): string {
  return text.replace(control, '').toWellFormed();
}
