import type { Catalog } from '../kinds/catalog.ts';
import { groupVersion, type ServedKind } from '../kinds/served-kind.ts';

import { openApiDocument } from './openapi.ts';

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The document at a path that is no resource's: version, health, groups and their kinds. Undefined: no such path. */
export function discoveryDocument(path: string, catalog: Catalog): unknown {
  if (/^\/openapi\/v3(\/|$)/.test(path)) return openApiDocument(path, catalog);
  const segments = path.split('/').filter((segment) => segment !== '');
  const [root = '', ...rest] = segments;
  if (rest.length === 0) return rootDocument(root, catalog);
  const version = rest.join('/');
  const isCore = root === 'api' && version === 'v1';
  if (root === 'apis' && rest.length === 1) return groups(catalog).find((group) => group.name === version);
  if (!isCore && !(root === 'apis' && rest.length === 2)) return undefined;
  const kinds = catalog.list().filter((kind) => groupVersion(kind) === version);
  if (kinds.length === 0) return undefined;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: version, resources: kinds.flatMap(resourcesOf) };
}

function rootDocument(root: string, catalog: Catalog): unknown {
  switch (root) {
    case 'version':
      return { major: '1', minor: '36', gitVersion: 'v1.36.0-embedded', platform: 'linux/amd64' };
    case 'api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    case 'apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(catalog) };
    case 'healthz':
    case 'livez':
    case 'readyz':
      return 'ok';
    default:
      return undefined;
  }
}

function groups(catalog: Catalog): { name: string }[] {
  const versions = new Map<string, Set<string>>();
  for (const kind of catalog.list()) {
    if (kind.group !== '') versions.set(kind.group, (versions.get(kind.group) ?? new Set()).add(kind.version));
  }
  return [...versions].map(([name, served]) => {
    const list = [...served].map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { kind: 'APIGroup', apiVersion: 'v1', name, versions: list, preferredVersion: list[0] };
  });
}

function resourcesOf(kind: ServedKind): unknown[] {
  const resource = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: allVerbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
  };
  if (!kind.hasStatus) return [resource];
  const { namespaced, kind: name } = kind;
  const status = { name: `${kind.plural}/status`, singularName: '', namespaced, kind: name };
  return [resource, { ...status, verbs: ['get', 'patch', 'update'] }];
}
