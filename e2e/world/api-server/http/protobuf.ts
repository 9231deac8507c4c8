import { ApiFailure, badRequest } from '../failures.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/**
 * kubectl sends what it makes itself (`create namespace`, `create configmap`, `create secret`, `drain`) as protobuf and
 * knows no other way. These few messages are read; every other kind, and every field that is not here, is 415: nothing
 * is dropped in silence. Field numbers: k8s.io/api/core/v1/generated.proto and apimachinery's meta/v1/generated.proto.
 */
export function readProtobuf(bytes: Buffer): unknown {
  if (bytes.subarray(0, magic.length).compare(magic) !== 0)
    throw badRequest('the body does not begin as protobuf of Kubernetes');
  const envelope = fieldsOf(bytes.subarray(magic.length));
  const raw = envelope.find(({ number }) => number === 2)?.value;
  const type = envelope.find(({ number }) => number === 1)?.value;
  if (!Buffer.isBuffer(type) || !Buffer.isBuffer(raw)) throw badRequest('the body has no type or no content');
  const { apiVersion = '', kind = '' } = readMessage(typeMeta, type) as { apiVersion?: string; kind?: string };
  const message = messages[kind === 'DeleteOptions' ? kind : `${apiVersion}/${kind}`];
  if (message === undefined) throw unreadable(`${kind} of ${apiVersion}`);
  return { apiVersion, kind, ...readMessage(message, raw) };
}

const magic = Buffer.from('k8s\0');

type Field =
  | { name: string; type: 'text' | 'integer' | 'boolean' | 'texts' }
  | { name: string; type: 'map'; of: 'text' | 'bytes' }
  | { name: string; type: 'message' | 'messages'; of: Message };
type Message = Record<number, Field>;

const text = (name: string): Field => ({ name, type: 'text' });
const map = (name: string, of: 'text' | 'bytes' = 'text'): Field => ({ name, type: 'map', of });
const message = (name: string, of: Message): Field => ({ name, type: 'message', of });
const boolean = (name: string): Field => ({ name, type: 'boolean' });

const typeMeta: Message = { 1: text('apiVersion'), 2: text('kind') };
const metadata = message('metadata', {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  4: text('selfLink'),
  5: text('uid'),
  6: text('resourceVersion'),
  7: { name: 'generation', type: 'integer' },
  // Times: clients send empty ones; the server sets its own.
  8: message('creationTimestamp', {}),
  11: map('labels'),
  12: map('annotations'),
  14: { name: 'finalizers', type: 'texts' },
});
const reference = { 1: text('kind'), 2: text('namespace'), 3: text('name') };

const messages: Record<string, Message> = {
  'v1/Namespace': {
    1: metadata,
    2: message('spec', { 1: { name: 'finalizers', type: 'texts' } }),
    3: message('status', { 1: text('phase') }),
  },
  'v1/ConfigMap': { 1: metadata, 2: map('data'), 3: map('binaryData', 'bytes'), 4: boolean('immutable') },
  'v1/Secret': { 1: metadata, 2: map('data', 'bytes'), 3: text('type'), 4: map('stringData'), 5: boolean('immutable') },
  'v1/ServiceAccount': {
    1: metadata,
    2: { name: 'secrets', type: 'messages', of: reference },
    3: { name: 'imagePullSecrets', type: 'messages', of: { 1: text('name') } },
    4: boolean('automountServiceAccountToken'),
  },
  DeleteOptions: {
    1: { name: 'gracePeriodSeconds', type: 'integer' },
    2: message('preconditions', { 1: text('uid'), 2: text('resourceVersion') }),
    3: boolean('orphanDependents'),
    4: text('propagationPolicy'),
    5: { name: 'dryRun', type: 'texts' },
  },
};

/** What is empty is left out: protobuf of Kubernetes writes all texts, also those that JSON omits. */
function readMessage(fields: Message, bytes: Buffer): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { number, value } of fieldsOf(bytes)) {
    const field = fields[number];
    if (field === undefined) throw unreadable(`field ${number}`);
    take(object, field, value);
  }
  return object;
}

function take(object: Record<string, unknown>, field: Field, value: Buffer | bigint): void {
  const { name, type } = field;
  if (typeof value === 'bigint') {
    if (type === 'boolean') object[name] = value !== 0n;
    else if (type === 'integer' && (value !== 0n || name === 'gracePeriodSeconds')) object[name] = Number(value);
    return;
  }
  switch (type) {
    case 'text':
      if (value.length > 0) object[name] = value.toString();
      break;
    case 'texts':
      object[name] = [...((object[name] as string[] | undefined) ?? []), value.toString()];
      break;
    case 'map':
      object[name] = { ...(object[name] as object | undefined), ...mapEntry(value, field.of) };
      break;
    case 'message': {
      const inner = readMessage(field.of, value);
      if (Object.keys(inner).length > 0) object[name] = inner;
      break;
    }
    case 'messages':
      object[name] = [...((object[name] as object[] | undefined) ?? []), readMessage(field.of, value)];
      break;
    default:
      throw unreadable(name);
  }
}

function mapEntry(bytes: Buffer, of: 'text' | 'bytes'): Record<string, string> {
  const parts = new Map(fieldsOf(bytes).map(({ number, value }) => [number, value]));
  const part = (number: number) => parts.get(number) as Buffer | undefined;
  return { [part(1)?.toString() ?? '']: part(2)?.toString(of === 'bytes' ? 'base64' : 'utf8') ?? '' };
}

/** The wire format: pairs of field number and value, a number or bytes. */
function fieldsOf(bytes: Buffer): { number: number; value: Buffer | bigint }[] {
  const fields = [];
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = bytes[offset++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw badRequest('the body ends in the middle of a number');
  };
  while (offset < bytes.length) {
    const key = Number(varint());
    const number = key >> 3;
    if ((key & 7) === 0) {
      fields.push({ number, value: BigInt.asIntN(64, varint()) });
      continue;
    }
    const length = (key & 7) === 2 ? Number(varint()) : Number.POSITIVE_INFINITY;
    if (offset + length > bytes.length) throw badRequest('the body ends in the middle of a field');
    fields.push({ number, value: bytes.subarray(offset, offset + length) });
    offset += length;
  }
  return fields;
}

function unreadable(what: string): ApiFailure {
  const message = `this server does not read ${what} as protobuf - send application/json or application/yaml`;
  return new ApiFailure(415, 'UnsupportedMediaType', message);
}
