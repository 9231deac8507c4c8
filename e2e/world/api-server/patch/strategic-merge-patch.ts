import { isRecord } from '../../../../shared/core/record.ts';

/** Lists of built-in kinds that merge by a key, as Kubernetes' types declare it; `undefined` key: a set of texts. */
const mergeKeys: ReadonlyMap<string, string | undefined> = new Map([
  ['containers', 'name'],
  ['initContainers', 'name'],
  ['ephemeralContainers', 'name'],
  ['env', 'name'],
  ['volumes', 'name'],
  ['volumeMounts', 'mountPath'],
  ['volumeDevices', 'devicePath'],
  ['imagePullSecrets', 'name'],
  ['hostAliases', 'ip'],
  ['secrets', 'name'],
  ['topologySpreadConstraints', 'topologyKey'],
  ['schedulingGates', 'name'],
  ['resourceClaims', 'name'],
  ['podIPs', 'ip'],
  ['hostIPs', 'ip'],
  ['conditions', 'type'],
  ['addresses', 'type'],
  ['ownerReferences', 'uid'],
  ['finalizers', undefined],
]);

/** `ports` are two lists: those of containers and those of services. */
function mergeKeyOf(name: string, items: readonly unknown[]): string | undefined {
  if (name !== 'ports') return mergeKeys.get(name);
  return items.some((item) => isRecord(item) && item['containerPort'] !== undefined) ? 'containerPort' : 'port';
}

/** Whether the list `name` of the member `owner` merges: the finalizers of a namespace's spec are replaced. */
function merges(name: string, owner: string): boolean {
  return name === 'ports' || (mergeKeys.has(name) && !(name === 'finalizers' && owner !== 'metadata'));
}

const order = '$setElementOrder/';
const removal = '$deleteFromPrimitiveList/';

/**
 * Kubernetes' own merge patch, which kubectl sends for built-in kinds: some lists merge by a key of their items. Neither
 * argument is changed. `owner` is the member that holds them.
 */
export function strategicMergePatch(target: unknown, patch: unknown, owner = ''): unknown {
  if (!isRecord(patch)) return patch;
  if (patch['$patch'] === 'replace') return withoutDirectives(patch);
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(removal)) removeTexts(merged, name.slice(removal.length), value);
    if (name.startsWith('$')) continue;
    if (value === null) delete merged[name];
    else if (Array.isArray(value) && merges(name, owner))
      merged[name] = mergedList(merged[name], value, mergeKeyOf(name, value));
    else merged[name] = strategicMergePatch(merged[name], value, name);
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(order)) sortList(merged, name.slice(order.length), value);
  }
  const retained = patch['$retainKeys'];
  if (!Array.isArray(retained)) return merged;
  return Object.fromEntries(Object.entries(merged).filter(([name]) => retained.includes(name)));
}

function mergedList(target: unknown, patch: readonly unknown[], key: string | undefined): unknown[] {
  const present = Array.isArray(target) ? target : [];
  if (key === undefined) return [...new Set([...present, ...patch])];
  if (patch.some((item) => isRecord(item) && item['$patch'] === 'replace' && Object.keys(item).length === 1)) {
    return patch.filter((item) => !(isRecord(item) && item['$patch'] === 'replace')).map(withoutDirectives);
  }
  const result = [...present];
  for (const item of patch) {
    const index = result.findIndex((other) => keyOf(other, key) === keyOf(item, key));
    if (isRecord(item) && item['$patch'] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) {
      result[index] = strategicMergePatch(result[index], item);
    } else {
      result.push(withoutDirectives(item));
    }
  }
  return result;
}

function keyOf(item: unknown, key: string): unknown {
  return isRecord(item) ? item[key] : undefined;
}

function withoutDirectives(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('$')));
}

function removeTexts(merged: Record<string, unknown>, name: string, texts: unknown): void {
  const present = merged[name];
  if (Array.isArray(present) && Array.isArray(texts)) merged[name] = present.filter((text) => !texts.includes(text));
}

/** What the order does not name keeps its place at the end. */
function sortList(merged: Record<string, unknown>, name: string, wanted: unknown): void {
  const present = merged[name];
  if (!Array.isArray(present) || !Array.isArray(wanted)) return;
  const key = mergeKeyOf(name, present);
  const identity = (item: unknown) => (key === undefined ? item : keyOf(item, key));
  const places = wanted.map(identity);
  const place = (item: unknown) => {
    const index = places.indexOf(identity(item));
    return index < 0 ? places.length : index;
  };
  merged[name] = [...present].sort((a, b) => place(a) - place(b));
}
