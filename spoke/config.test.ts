import assert from 'node:assert/strict';
import { isManaged } from './config.ts';

describe('KMM_MANAGED', () => {
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) {
    it(`turns the claim on with ${text} [164]`, () =>
      assert.deepEqual(isManaged(text), { managed: true, valid: true }));
  }
  for (const text of [undefined, '', '0', 'f', 'F', 'FALSE', 'false', 'False']) {
    it(`leaves it off with ${text} [164]`, () => assert.deepEqual(isManaged(text), { managed: false, valid: true }));
  }
  for (const text of ['yes', 'on', 'TrUe', ' 1', '2']) {
    it(`leaves it off with ${JSON.stringify(text)}, and says so [164]`, () =>
      assert.deepEqual(isManaged(text), { managed: false, valid: false }));
  }
});
