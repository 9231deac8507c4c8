import type { Catalog } from '../kinds/catalog.ts';

/** What kubectl asks for that reads the older OpenAPI documents: there are no others than in protobuf. */
export const openApiV2Type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/**
 * The OpenAPI v2 document as far as kubectl needs it for a file of kind List: whether namespaces, which it takes for all
 * kinds then, check unknown fields on the server. Field numbers: github.com/google/gnostic-models, OpenAPIv2.proto.
 */
export function openApiV2Document({ namespaces }: Catalog): Buffer {
  const { group, version, kind } = namespaces;
  const identity = `group: "${group}"\nversion: ${version}\nkind: ${kind}\n`;
  const query = message([2, 'query'], [4, 'fieldValidation'], [6, 'string']);
  const parameter = message([1, message([2, message([3, query])])]);
  const extension = message([1, 'x-kubernetes-group-version-kind'], [2, message([2, identity])]);
  const patch = message([8, parameter], [13, extension]);
  const item = message([1, `/api/v1/${namespaces.plural}/{name}`], [2, message([8, patch])]);
  return message([1, '2.0'], [2, message([1, 'Kubernetes'], [2, 'v1'])], [8, message([2, item])]);
}

/** A protobuf message of texts and other messages. */
function message(...fields: readonly [number: number, value: string | Buffer][]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      const bytes = Buffer.from(value);
      return [varint((number << 3) | 2), varint(bytes.length), bytes];
    }),
  );
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
