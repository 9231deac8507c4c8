import { z } from 'zod';

/** Bounds of our API: every string, list and map has one, so that objects and the cost of CEL rules stay finite. */
export const bounds = {
  stringCharsMax: 1024,
  /** Paths, versions and names that CEL rules compare: shorter, because rules pay by the character. */
  pathCharsMax: 256,
  kernelMappingsMax: 256,
  /** Kernel modules in one list (in-tree removal, loading order). */
  moduleNamesMax: 32,
  argumentsMax: 64,
  filesToSignMax: 64,
  labelsMax: 64,
  annotationsMax: 256,
  listItemsMax: 128,
  tolerationsMax: 32,
  conditionsMax: 16,
} as const;

/** A rule in CEL (functions of Kubernetes 1.25 only), checked by the API server on the object that carries it. */
export interface Rule {
  rule: string;
  /** What was expected and what to do. */
  message: string;
}

/** Free text. */
export function text(description: string, charsMax: number = bounds.stringCharsMax) {
  return z.string().max(charsMax).describe(description);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const wordPattern = /^[^\x00-\x20\x7f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is refused
const argumentPattern = /^[^\x00]*$/;

/** Text without white space and control characters: it travels in space separated lists of the loader's environment (contract 9). */
export function word(description: string, charsMax: number = bounds.pathCharsMax) {
  return z.string().max(charsMax).regex(wordPattern).describe(description);
}

/** Text that a program can be called with: the kernel ends arguments at NUL (execve(2)). */
export function argument(description: string) {
  return z.string().max(bounds.stringCharsMax).regex(argumentPattern).describe(description);
}

export function flag(description: string) {
  return z.boolean().describe(description);
}

/** A whole number; `format` as in OpenAPI. */
export function integer(description: string, format?: 'int32' | 'int64') {
  return z.int().meta(format === undefined ? { description } : { description, format });
}

/** Replaced as a whole when applied, unless `options` name the key of its items. */
export function list<Item extends z.ZodType>(
  item: Item,
  description: string,
  options: { min?: number; max?: number; keys?: readonly string[] } = {},
) {
  const { min = 0, max = bounds.listItemsMax, keys } = options;
  const kind =
    keys === undefined
      ? { 'x-kubernetes-list-type': 'atomic' }
      : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys };
  const items = z.array(item).max(max);
  return (min > 0 ? items.min(min) : items).meta({ description, ...kind });
}

export function map<Value extends z.ZodType>(value: Value, description: string, entriesMax: number = bounds.labelsMax) {
  return z
    .record(z.string(), value)
    .refine((entries) => Object.keys(entries).length <= entriesMax, `expected at most ${entriesMax} entries`)
    .meta({ description, maxProperties: entriesMax });
}

/** Label names and values. */
export function labelMap(description: string) {
  return map(text('The value.'), description);
}

/** An object with its CEL rules; unknown fields are dropped, as the API server does. */
export function object<Shape extends z.ZodRawShape>(description: string, shape: Shape, rules: readonly Rule[] = []) {
  return z
    .object(shape)
    .meta(rules.length === 0 ? { description } : { description, 'x-kubernetes-validations': rules });
}

/**
 * A field that the API server fills in when it is left out. The type stays optional: a default of the server is no
 * value that we write (contract 1).
 */
export function defaulted<Schema extends z.ZodType>(schema: Schema, value: z.input<Schema>) {
  return schema.meta({ default: value }).optional();
}

/** A number or a text, such as `2` or `25%`. */
export function intOrString(description: string, pattern: RegExp) {
  return z
    .union([z.int(), z.string().max(64).regex(pattern)])
    .meta({ description, 'x-kubernetes-int-or-string': true, pattern: pattern.source, maxLength: 64 });
}

const quantityPattern =
  /^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$/;

/** An amount as Kubernetes writes it: `500m`, `64Mi`, `2`. */
export function quantity(description: string) {
  return intOrString(description, quantityPattern);
}
