import assert from 'node:assert/strict';
import { assert as check, property, string } from 'fast-check';
import { parseChallenges } from './challenge.ts';

function parsed(header: string | undefined): unknown {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe('challenges', () => {
  it('of a token realm are taken apart, commas in quotes and all', () => {
    const header = 'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"';
    const parameters = {
      realm: 'https://auth.example/token',
      service: 'registry',
      scope: 'repository:a/b:pull,push',
    };
    assert.deepEqual(parsed(header), [['bearer', parameters]]);
  });

  it('may stand together in one header', () => {
    assert.deepEqual(parsed('Basic realm="a \\"b\\"", BEARER Realm=https://x.example/t'), [
      ['basic', { realm: 'a "b"' }],
      ['bearer', { realm: 'https://x.example/t' }],
    ]);
    assert.deepEqual(parsed('Negotiate, Basic'), [
      ['negotiate', {}],
      ['basic', {}],
    ]);
  });

  it('are none without a header', () => assert.deepEqual(parsed(undefined), []));

  it('never throw', () => {
    check(property(string(), (header) => void parseChallenges(header)));
  });
});
