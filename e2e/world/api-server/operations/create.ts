import { randomBytes, randomUUID } from 'node:crypto';
import { rfc3339 } from '../../../../shared/core/clock.ts';
import { isRecord } from '../../../../shared/core/record.ts';
import { ApiFailure, alreadyExists, badRequest, forbidden, invalid, notFound } from '../failures.ts';
import { isTrue } from '../http/request.ts';
import { type ApiObject, valueAt } from '../object.ts';
import { prune } from '../schema/prune.ts';
import { Stored } from '../store/stored.ts';
import { decodeTyped } from '../types/decode.ts';
import { admitted, reportUnknown } from './admit.ts';
import { type Answer, type Call, collectionOf, type ServerState } from './context.ts';

export function create(state: ServerState, call: Call): Answer {
  const next = parseObject(call);
  completeMetadata(state, call, next);
  requireNamespace(state, call, next.metadata.name);
  if (call.kind.collection === '/pods') requireServiceAccount(state, call, next);
  const collection = collectionOf(state, call);
  const { namespace, name } = next.metadata;
  if (collection.get(namespace, name)) throw alreadyExists(call.kind, name);
  call.kind.strategy.prepareCreate?.(next);
  admitted(call, next, undefined);
  if (call.kind.strategy.generationPart) next.metadata.generation = 1;
  const stored = isTrue(dryRun(call)) ? new Stored(next, 0) : collection.put(next);
  return { code: 201, stored };
}

export function dryRun(call: Call): string | null {
  return call.query.get('dryRun') === 'All' ? 'true' : null;
}

/** The body as an object of the kind that the path names; 400 when it is another. */
export function parseObject(call: Call): ApiObject {
  const { body, kind } = call;
  if (!isRecord(body)) throw badRequest('the body is not an object');
  const expectedVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  requireEqual('API version', body['apiVersion'], expectedVersion);
  requireEqual('kind', body['kind'], kind.kind);
  const metadata = isRecord(body['metadata']) ? body['metadata'] : {};
  const { name, namespace } = metadata;
  if (namespace !== undefined && namespace !== '' && namespace !== call.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (call.name !== undefined && name !== undefined && name !== '' && name !== call.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`);
  }
  const written = { ...body, apiVersion: expectedVersion, kind: kind.kind, metadata } as ApiObject;
  if (kind.builtIn) {
    decodeTyped(written, kind.schema, kind);
    reportUnknown(call, prune(written, kind.schema));
  }
  const object = kind.view?.toStored(written) ?? written;
  if (call.namespace !== undefined) object.metadata.namespace = call.namespace;
  if (call.name !== undefined) object.metadata.name = call.name;
  return object;
}

function requireEqual(what: string, given: unknown, expected: string): void {
  if (given === undefined || given === '' || given === expected) return;
  throw badRequest(`the ${what} in the data (${given}) does not match the expected ${what} (${expected})`);
}

function completeMetadata(state: ServerState, call: Call, object: ApiObject): void {
  const { metadata } = object;
  if (metadata.resourceVersion) {
    throw new ApiFailure(500, 'InternalError', 'resourceVersion should not be set on objects to be created');
  }
  if (!metadata.name && metadata.generateName) metadata.name = generatedName(metadata.generateName);
  if (!metadata.name) {
    const message = 'Required value: name or generateName is required';
    throw invalid(call.kind, '', [{ reason: 'FieldValueRequired', message, field: 'metadata.name' }]);
  }
  for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'managedFields']) {
    delete metadata[field];
  }
  metadata.uid = randomUUID();
  metadata.creationTimestamp = rfc3339(state.clock.now());
}

/** 404 for a namespace that is not there, 403 for one that is going away. */
function requireNamespace(state: ServerState, call: Call, name: string): void {
  if (call.namespace === undefined) return;
  const { namespaces } = state.catalog;
  const namespace = state.store.collection(namespaces.collection).get(undefined, call.namespace);
  if (namespace === undefined) throw notFound(namespaces, call.namespace);
  if (valueAt(namespace.object, ['status', 'phase']) === 'Terminating') {
    const why = `unable to create new content in namespace ${call.namespace} because it is being terminated`;
    const message = `namespace ${call.namespace} is being terminated`;
    throw forbidden(call.kind, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }]);
  }
}

/** The ServiceAccount admission. `default` is there in every namespace: Kubernetes makes it, and here nobody asks for it. */
function requireServiceAccount(state: ServerState, call: Call, pod: ApiObject): void {
  const name = valueAt(pod, ['spec', 'serviceAccountName']);
  if (typeof name !== 'string' || name === '' || name === 'default') return;
  if (state.store.collection('/serviceaccounts').get(call.namespace, name)) return;
  const where = `${call.namespace}/${name}`;
  const why = `error looking up service account ${where}: serviceaccount ${JSON.stringify(name)} not found`;
  throw forbidden(call.kind, pod.metadata.name, why);
}

const suffixChars = 5;
const generatedCharsMax = 63;

/** Kubernetes' alphabet has no vowels and no look-alikes; a long base is cut so that the name fits a label. */
function generatedName(base: string): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  const suffix = [...randomBytes(suffixChars)].map((byte) => alphabet[byte % alphabet.length]).join('');
  return base.slice(0, generatedCharsMax - suffixChars) + suffix;
}
