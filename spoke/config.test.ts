import assert from 'node:assert/strict';
import { readConfigLeniently } from '../shared/process/lenient-config.ts';
import { firmwareUnlessUnclear, isManaged, spokeConfigSchema } from './config.ts';

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

describe('where firmware goes, of a ConfigMap with problems', () => {
  const pathOf = (text: string) =>
    firmwareUnlessUnclear(readConfigLeniently(spokeConfigSchema, text)).config.worker.firmwareHostPath;

  for (const [what, text, expected] of [
    ['is what is said, whatever else is wrong', 'logLevel: loud\nworker: {firmwareHostPath: /opt/fw}', '/opt/fw'],
    ['is the default when nothing was said of it', 'logLevel: loud\nworker: {runAsUser: 0}', undefined],
    ['is the default without a word on workers', 'logLevel: loud', undefined],
    ['is unclear when it cannot be read', 'worker: {firmwareHostPath: /opt/fw/}', ''],
    ['is unclear when its name is misspelt', 'worker: {firmwarePath: /opt/fw}', ''],
    ['is unclear without YAML', 'worker: {firmwareHostPath: /opt/fw', ''],
    ['is unclear when worker is no mapping', 'worker: [/opt/fw]', ''],
  ] as const) {
    it(`${what} [195]`, () => assert.equal(pathOf(text), expected));
  }

  it('is read by the name that upstream had before, unless the new one is there [196]', () => {
    const read = (worker: object) => spokeConfigSchema.parse({ worker }).worker.firmwareHostPath;
    assert.equal(read({ setFirmwareClassPath: '/opt/old' }), '/opt/old');
    assert.equal(read({ setFirmwareClassPath: '/opt/old', firmwareHostPath: '/opt/new' }), '/opt/new');
  });
});
