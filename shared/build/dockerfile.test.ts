import assert from 'node:assert/strict';
import { dockerfileOf } from './dockerfile.ts';

const configMap = (data?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'driver' },
  ...(data && { data }),
});

describe('the Dockerfile of a ConfigMap', () => {
  it('is under the key dockerfile, as it is [63]', () => {
    const found = dockerfileOf('driver', configMap({ dockerfile: 'FROM scratch\n', Dockerfile: 'FROM other\n' }));
    assert.deepEqual(found, { kind: 'text', text: 'FROM scratch\n' });
  });

  for (const [what, map, message] of [
    ['ConfigMap', undefined, 'ConfigMap driver does not exist'],
    ['data', configMap(), 'ConfigMap driver: expected a Dockerfile under its key dockerfile'],
    [
      'key',
      configMap({ Dockerfile: 'FROM scratch' }),
      'ConfigMap driver: expected a Dockerfile under its key dockerfile',
    ],
    ['text', configMap({ dockerfile: ' \n' }), 'ConfigMap driver: expected a Dockerfile under its key dockerfile'],
  ] as const) {
    it(`is said to be missing without a ${what} [80]`, () => {
      assert.deepEqual(dockerfileOf('driver', map), { kind: 'missing', message });
    });
  }
});
