/**
 * Which ManagedClusterModules select which clusters: equality of all labels, and `{}` is all clusters (checklist 141,
 * 220).
 *
 * Cost: a change of one cluster looks at the modules indexed under one of its labels, so labels × modules that could
 * match, whatever the number of clusters. A change of a module's selector looks at every cluster once.
 */
export type Selector = Readonly<Record<string, string>>;

/** The index under which a selector stands that has no label at all. */
const everyCluster = '';

export function selects(selector: Selector, labels: Selector | undefined): boolean {
  return Object.entries(selector).every(([name, value]) => labels?.[name] === value);
}

/**
 * The one index value of a selector: its first label by name. A cluster can only be selected by modules that stand
 * under one of `labelIndexes` of it. A selector that is missing (an invalid spec) stands where `{}` does.
 */
export function selectorIndex(selector: Selector | undefined): string {
  const [first] = Object.entries(selector ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return first === undefined ? everyCluster : labelIndex(first[0], first[1]);
}

/** All index values whose selectors may match these labels. */
export function labelIndexes(labels: Selector | undefined): string[] {
  return [everyCluster, ...Object.entries(labels ?? {}).map(([name, value]) => labelIndex(name, value))];
}

/** `=` cannot stand in a label's name, so the text is unique. */
function labelIndex(name: string, value: string): string {
  return `${name}=${value}`;
}
