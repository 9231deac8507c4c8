import type { Catalog } from '../kinds/catalog.ts';
import { groupVersion, type ServedKind } from '../kinds/served-kind.ts';

/**
 * The OpenAPI v3 documents as far as kubectl reads them: which kinds check unknown fields on the server (`apply` and
 * `create` ask), and the schemas of custom kinds (`explain`). Undefined: no such document.
 */
export function openApiDocument(path: string, catalog: Catalog): unknown {
  const rest = path.slice('/openapi/v3'.length).replace(/^\//, '');
  const kinds = catalog.list();
  if (rest === '') {
    const roots = new Set(kinds.map(rootOf));
    return {
      paths: Object.fromEntries([...roots].map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }])),
    };
  }
  const served = kinds.filter((kind) => rootOf(kind) === rest);
  if (served.length === 0) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.0-embedded' },
    paths: Object.fromEntries(served.map((kind) => [objectPath(kind), operations(kind)])),
    components: { schemas: Object.fromEntries(served.map((kind) => [schemaName(kind), schemaOf(kind)])) },
  };
}

function rootOf(kind: ServedKind): string {
  return kind.group === '' ? `api/${kind.version}` : `apis/${groupVersion(kind)}`;
}

function objectPath(kind: ServedKind): string {
  return `/${rootOf(kind)}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}/{name}`;
}

function identity({ group, version, kind }: ServedKind) {
  return { group, version, kind };
}

function operations(kind: ServedKind): unknown {
  const parameters = ['fieldValidation', 'dryRun'].map((name) => ({ name, in: 'query', schema: { type: 'string' } }));
  const extension = { 'x-kubernetes-group-version-kind': identity(kind) };
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName(kind)}` } } };
  const responses = { '200': { description: 'OK', content } };
  return {
    get: { 'x-kubernetes-action': 'get', ...extension, responses },
    patch: { 'x-kubernetes-action': 'patch', ...extension, parameters, responses },
  };
}

function schemaName(kind: ServedKind): string {
  const group = kind.group === '' ? 'core' : kind.group;
  return `${group.split('.').reverse().join('.')}.${kind.version}.${kind.kind}`;
}

function schemaOf(kind: ServedKind): unknown {
  return { type: 'object', ...kind.schema, 'x-kubernetes-group-version-kind': [identity(kind)] };
}
