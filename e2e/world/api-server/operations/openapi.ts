import type { Catalog } from '../kinds/catalog.ts';
import { groupVersion, type ServedKind } from '../kinds/served-kind.ts';
import type { Schema } from '../schema/schema.ts';
import { nameOfType, typeSchema } from '../types/type-schema.ts';

/**
 * The OpenAPI v3 documents as far as kubectl reads them: which kinds check unknown fields on the server (`apply` and
 * `create` ask), and the schemas (`explain`). Undefined: no such document.
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
    components: { schemas: componentsOf(served) },
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
  const content = { 'application/json': { schema: { $ref: reference(schemaName(kind)) } } };
  const responses = { '200': { description: 'OK', content } };
  return {
    get: { 'x-kubernetes-action': 'get', ...extension, responses },
    patch: { 'x-kubernetes-action': 'patch', ...extension, parameters, responses },
  };
}

function reference(component: string): string {
  return `#/components/schemas/${component}`;
}

function schemaName(kind: ServedKind): string {
  const group = kind.group === '' ? 'core' : kind.group;
  return `${group.split('.').reverse().join('.')}.${kind.version}.${kind.kind}`;
}

/** The kinds themselves, and every type below them: types may hold themselves, so each stands once, under its name. */
function componentsOf(kinds: readonly ServedKind[]): Record<string, unknown> {
  const components: Record<string, unknown> = {};
  const waiting: string[] = [];
  const refer = (type: string) => {
    waiting.push(type);
    return { $ref: reference(componentName(type)) };
  };
  for (const kind of kinds) {
    const shown = { type: 'object', ...withReferences(kind.schema, refer) };
    components[schemaName(kind)] = { ...shown, 'x-kubernetes-group-version-kind': [identity(kind)] };
  }
  for (let type = waiting.pop(); type !== undefined; type = waiting.pop()) {
    const name = componentName(type);
    components[name] ??= withReferences(typeSchema(type), refer);
  }
  return components;
}

/** `explain` shows what stands after the last dot. */
function componentName(type: string): string {
  return `io.k8s.api.${type.replace(/V\d+((alpha|beta)\d+)?/, '')}`;
}

function withReferences(schema: Schema, refer: (type: string) => object): object {
  const below = (child: Schema) => {
    const type = nameOfType(child);
    return type === undefined ? withReferences(child, refer) : refer(type);
  };
  const { properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(properties && { properties: mapped(properties, below) }),
    ...(items && { items: below(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'object' ? below(additionalProperties) : additionalProperties,
    }),
  };
}

function mapped(properties: Record<string, Schema>, change: (schema: Schema) => object): Record<string, object> {
  return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, change(property)]));
}
