import assert from 'node:assert/strict';
import type { ApiObject } from '../world/api-server/object.ts';
import type { Kind } from './kinds.ts';
import { fieldOf, type Place } from './places.ts';
import { hostileTexts } from './values.ts';

/** Texts of which every place takes one: else nothing that is refused there says anything about hostile ones. */
const harmless = [
  'a',
  'nic',
  'registry.example/nic:1',
  '/dev/a',
  '/opt/a.ko',
  '1',
  '1m',
  'Exists',
  'NoExecute',
  'All',
  'Required',
  'Delete',
];
/** What makes a hostile text look like what many fields want: an image, a path, a name of two parts. */
const disguises = ['registry.example/nic:', '/opt/', '/dev/', 'a/'];
/** Where specs are copied as they are for Kubernetes to judge: what is made of them differs little from place to place. */
const copied = /\.volumes\[0\]|\.(?:initContainer|dra)\./;
const copiedShare = 4;

export interface Count {
  admitted: number;
  refused: number;
}

/**
 * Puts every hostile text at every place below `spec`, bare and, where it is refused so, disguised. Each is refused with
 * its field, or `look` is called with what the server took. Of places that are only copied, a quarter of the texts is looked at.
 */
export function walk(kind: Kind, look: (object: ApiObject) => void): Count {
  const count = { admitted: 0, refused: 0 };
  for (const [index, place] of kind.places.entries()) {
    const field = fieldOf(place);
    assert.ok(
      harmless.some((text) => 'object' in kind.admit(kind.objectWith(place, text))),
      `${field}: expected a harmless text to be taken: say in kinds.ts what must stand beside it`,
    );
    for (const [turn, [what, text]] of Object.entries(hostileTexts).entries()) {
      const admitted = admit(kind, place, text);
      if (admitted === undefined) {
        count.refused += 1;
        continue;
      }
      count.admitted += 1;
      if (copied.test(field) && (index + turn) % copiedShare !== 0) continue;
      try {
        look(admitted);
      } catch (error) {
        throw new Error(`${what} at ${field}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
  return count;
}

function admit(kind: Kind, place: Place, text: string): ApiObject | undefined {
  for (const disguise of ['', ...disguises]) {
    const answer = kind.admit(kind.objectWith(place, `${disguise}${text}`));
    if ('object' in answer) return answer.object;
    for (const { field = '', message } of answer.causes) {
      assert.ok(
        isNamed(field, fieldOf(place)),
        `expected ${fieldOf(place)} to be refused by its name, got ${field}: ${message}`,
      );
    }
  }
  return undefined;
}

/** A rule stands at the object whose fields it compares; it says itself which of them it is about. */
function isNamed(field: string, expected: string): boolean {
  return (
    field.length > 'spec.'.length &&
    (expected === field || expected.startsWith(`${field}.`) || expected.startsWith(`${field}[`))
  );
}
