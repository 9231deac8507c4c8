import assert from 'node:assert/strict';
import { hubConfigSchema } from '../../hub/config.ts';
import { buildsConfigSchema } from './builds-config.ts';
import { readConfig } from './config.ts';
import { readConfigLeniently } from './lenient-config.ts';

const read = (text: string) => readConfig(hubConfigSchema, { text, place: 'hub.yaml' });

describe('the configuration of builds', () => {
  it('has defaults that run four at once, for an hour, without privileges', () => {
    const { concurrency, timeout, privileges, trustedCA, resources, signResources } = read('').builds;
    assert.deepEqual([concurrency, timeout, privileges, trustedCA], [4, 3_600_000, 'UserNamespace', undefined]);
    for (const each of [resources, signResources]) assert.ok(each.requests?.['memory'] && each.limits?.['memory']);
    assert.deepEqual(read('').images, {});
  });

  it('takes what is said', () => {
    const text = `
images: {builder: 'r.example/buildah:1', signer: 'r.example/hub-and-spoke:1'}
builds:
  concurrency: 8
  timeout: 90m
  privileges: Privileged
  trustedCA: trusted-ca
  resources: {limits: {cpu: '4'}}
`;
    const { images, builds } = read(text);
    assert.deepEqual(images, { builder: 'r.example/buildah:1', signer: 'r.example/hub-and-spoke:1' });
    assert.deepEqual([builds.concurrency, builds.timeout, builds.privileges], [8, 5_400_000, 'Privileged']);
    assert.deepEqual([builds.trustedCA, builds.resources], ['trusted-ca', { limits: { cpu: '4' } }]);
  });

  for (const [text, message] of [
    ['builds: {concurrency: 0}', /builds\.concurrency/],
    ['builds: {timeout: 1s}', /builds\.timeout: expected 10s to 24h/],
    ['builds: {timeout: 25h}', /builds\.timeout: expected 10s to 24h/],
    ['builds: {privileges: Root}', /builds\.privileges/],
    ['builds: {resources: {limits: {memory: 4}}}', /builds\.resources\.limits\.memory/],
    ['images: {builder: ""}', /images\.builder/],
    ['images: {worker: x}', /images: .*worker/],
  ] as const) {
    it(`names what is wrong in ${text}`, () => assert.throws(() => read(text), message));
  }

  it('falls back to the fewest privileges where a ConfigMap is wrong', () => {
    const { config, problems } = readConfigLeniently(
      hubConfigSchema,
      'builds: {privileges: privileged, concurrency: 2}',
    );
    assert.deepEqual([config.builds.privileges, config.builds.concurrency, problems.length], ['UserNamespace', 2, 1]);
    assert.deepEqual(config.builds, { ...buildsConfigSchema.parse({}), concurrency: 2 });
  });
});
