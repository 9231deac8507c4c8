import assert from 'node:assert/strict';
import { assert as check, json, property, string } from 'fast-check';
import { loginsFor, parseDockerConfig } from './docker-config.ts';
import { parseReference } from './reference.ts';

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The user names that a configuration with these keys (each its own user) gives for an image. */
function users(keys: readonly string[], image: string): string[] {
  const auths = Object.fromEntries(keys.map((key) => [key, { username: key, password: 'secret' }]));
  const parsed = parseReference(image);
  assert.ok(parsed.kind === 'reference');
  const config = parseDockerConfig({ '.dockerconfigjson': base64(JSON.stringify({ auths })) });
  return loginsFor(config, parsed.reference).map(({ username }) => username);
}

describe('docker configurations', () => {
  const table: [key: string, image: string, matches: boolean][] = [
    ['quay.io', 'quay.io/a/b:1', true],
    ['quay.io', 'quay.io.evil.example/a/b:1', false],
    ['quay.io', 'evil.example/quay.io/a:1', false],
    ['https+://quay.io', 'quay.io/a:1', false],
    ['QUAY.io', 'quay.io/a:1', true],
    ['quay.io/a', 'quay.io/a/b:1', true],
    ['quay.io/a/b', 'quay.io/a/b:1', true],
    ['quay.io/a', 'quay.io/ab/c:1', false],
    ['quay.io:443', 'quay.io/a:1', false],
    ['registry.example:5000', 'registry.example:5000/a:1', true],
    ['registry.example', 'registry.example:5000/a:1', false],
    ['*.example.com', 'eu.example.com/a:1', true],
    ['*.example.com', 'a.eu.example.com/a:1', false],
    ['*.example.com', 'example.com/a:1', false],
    ['eu-*-1.example.com', 'eu-west-1.example.com/a:1', true],
    ['[::1]:5000', '[::1]:5000/a:1', true],
  ];
  for (const [key, image, matches] of table) {
    it(`of ${key} ${matches ? 'serve' : 'do not serve'} ${image}`, () =>
      assert.deepEqual(users([key], image), matches ? [key] : []));
  }

  for (const key of ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io', 'registry-1.docker.io/v2/']) {
    it(`of ${key} serve Docker Hub under each of its names`, () => {
      for (const image of ['nginx', 'docker.io/library/nginx', 'index.docker.io/library/nginx']) {
        assert.equal(users([key], image).length, 1);
      }
      assert.deepEqual(users([key], 'quay.io/nginx'), []);
    });
  }

  it('give the most specific login first', () => {
    const image = 'eu.example.com/team/app:1';
    const keys = ['*.example.com', 'eu.example.com', 'eu.example.com/team/app', 'eu.example.com/team'];
    const expected = ['eu.example.com/team/app', 'eu.example.com/team', 'eu.example.com', '*.example.com'];
    assert.deepEqual(users(keys, image), expected);
  });

  it('may stand under .dockercfg and spell user and password', () => {
    const config = parseDockerConfig({
      '.dockercfg': base64('{"quay.io":{"username":"u","password":"p:q","email":"x"}}'),
    });
    const parsed = parseReference('quay.io/a:1');
    assert.ok(parsed.kind === 'reference');
    assert.deepEqual(loginsFor(config, parsed.reference), [{ username: 'u', password: 'p:q' }]);
  });

  const broken: Record<string, string>[] = [
    {},
    { '.dockerconfigjson': base64('{') },
    { '.dockerconfigjson': base64('[]') },
  ];
  for (const data of [
    ...broken,
    { '.dockerconfigjson': base64('{"auths":[]}') },
    { '.dockercfg': 'A'.repeat(300_000) },
  ]) {
    it(`that are ${JSON.stringify(data).slice(0, 40)} are invalid`, () =>
      assert.equal(parseDockerConfig(data).kind, 'invalid'));
  }

  it('give name and password of `auth`, the password with its colons', () => {
    const auths = { 'quay.io': { auth: base64('u:p:q') } };
    const parsed = parseReference('quay.io/a:1');
    assert.ok(parsed.kind === 'reference');
    const config = parseDockerConfig({ '.dockerconfigjson': base64(JSON.stringify({ auths })) });
    assert.deepEqual(loginsFor(config, parsed.reference), [{ username: 'u', password: 'p:q' }]);
  });

  it('leave out entries without a name, and tell no secret when broken', () => {
    const auths = { 'a.io': { auth: base64('nocolon') }, 'b.io': { auth: 7 }, 'c.io': null, 'd.io': {} };
    const config = parseDockerConfig({ '.dockerconfigjson': base64(JSON.stringify({ auths })) });
    assert.deepEqual(config, { kind: 'logins', logins: [] });
    const secret = parseDockerConfig({ '.dockerconfigjson': base64('{"auths": hunter2') });
    assert.doesNotMatch(JSON.stringify(secret), /hunter2/);
  });

  it('never throw', () => {
    check(
      property(json(), string(), (content, text) => {
        parseDockerConfig({ '.dockerconfigjson': base64(content) });
        parseDockerConfig({ '.dockercfg': base64(content) });
        parseDockerConfig({ '.dockercfg': text });
      }),
    );
  });
});
