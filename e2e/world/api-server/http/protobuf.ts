import { ApiFailure, badRequest } from '../failures.ts';
import { type Field, type Message, messages, typeMeta } from './protobuf-messages.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/**
 * kubectl sends what it makes itself (`create namespace`, `create role`, `drain`) as protobuf and knows no other way.
 * The messages of `protobuf-messages.ts` are read; every other kind, and every field that is not there, is 415: nothing
 * is dropped in silence.
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
    if (value === 0n && !('optional' in field)) return;
    if (type === 'boolean') object[name] = value !== 0n;
    else if (type === 'integer') object[name] = Number(value);
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
