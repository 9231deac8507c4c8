import { Environment } from '@marcbachmann/cel-js';

type Comparable = bigint | number | string | boolean;

/** The environment of CustomResourceDefinition rules: CEL with the part of Kubernetes' libraries that kinds here use. */
export function makeRuleEnvironment(): Environment {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  environment.registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn');
  environment
    .registerFunction('list.isSorted(): bool', (list: Comparable[]) => isSorted(list))
    .registerFunction('list.sum(): dyn', (list: (bigint | number)[]) => sum(list))
    .registerFunction('list.min(): dyn', (list: Comparable[]) => extreme(list, (a, b) => a < b))
    .registerFunction('list.max(): dyn', (list: Comparable[]) => extreme(list, (a, b) => a > b))
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      text.replaceAll(from, to),
    )
    .registerFunction('string.find(string): string', (text: string, pattern: string) => found(text, pattern)[0] ?? '')
    .registerFunction('string.findAll(string): list', (text: string, pattern: string) => found(text, pattern))
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text));
  return environment;
}

function isSorted(list: readonly Comparable[]): boolean {
  return list.every((item, index) => index === 0 || list[index - 1]! <= item);
}

function sum(list: readonly (bigint | number)[]): bigint | number {
  if (list.some((item) => typeof item === 'number'))
    return list.reduce<number>((total, item) => total + Number(item), 0);
  return list.reduce<bigint>((total, item) => total + BigInt(item), 0n);
}

function extreme(list: readonly Comparable[], wins: (a: Comparable, b: Comparable) => boolean): Comparable {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error('min and max need a list that is not empty');
  return rest.reduce((best, item) => (wins(item, best) ? item : best), first);
}

function found(text: string, pattern: string): string[] {
  return [...text.matchAll(new RegExp(pattern, 'g'))].map(([match]) => match);
}
