import assert from 'node:assert/strict';
import { buildPluginImage } from '../../e2e/world/registry/plugin-image.ts';
import { pushImage } from '../../e2e/world/registry/push.ts';
import { failure } from '../../e2e/world/registry/routes.ts';
import {
  type Registry,
  type RegistryFault,
  type RegistryOptions,
  startRegistry,
} from '../../e2e/world/registry/server.ts';
import { systemClock } from '../core/clock.ts';
import { type Existence, RegistryClient } from './client.ts';
import { parseReference, type Reference } from './reference.ts';
import type { Credential, RegistryTls } from './session.ts';

const verified: RegistryTls = { insecure: false, insecureSkipTLSVerify: false };
const unverified: RegistryTls = { insecure: false, insecureSkipTLSVerify: true };
const plain: RegistryTls = { insecure: true, insecureSkipTLSVerify: false };
const ann: Credential = { username: 'ann', password: 'pass', insecureAllowed: false };

function reference(name: string): Reference {
  const parsed = parseReference(name);
  assert.ok(parsed.kind === 'reference', name);
  return parsed.reference;
}

describe('the registry client', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** A registry that holds `team/app:1`, and a client that trusts it unless told otherwise. */
  async function world(options: Partial<RegistryOptions> & { trusted?: boolean; timeoutMs?: number } = {}) {
    const { trusted = true, timeoutMs = 5000, ...rest } = options;
    const registry = await startRegistry({ clock: systemClock, ...rest });
    cleanups.push(() => registry.stop());
    const outcomes: string[] = [];
    const client = new RegistryClient({
      clock: systemClock,
      timeoutMs,
      onRequest: (method, outcome) => outcomes.push(`${method} ${outcome}`),
      ...(trusted && { extraCa: registry.caPem }),
    });
    cleanups.push(() => client.close());
    const { digest } = await seed(registry);
    const ask = (tls: RegistryTls = verified, credentials: readonly Credential[] = [], name = 'team/app:1') =>
      client.exists({ reference: reference(`${registry.host}/${name}`), tls, credentials });
    return { registry, client, digest, ask, outcomes };
  }

  async function seed(registry: Registry): Promise<{ digest: string }> {
    const image = await buildPluginImage();
    for (const blob of image.blobs) registry.store.putBlob(blob);
    for (const manifest of image.manifests) registry.store.putManifest('team/app', '1', manifest);
    return image;
  }

  function reasonOf(existence: Existence): string {
    return existence.kind === 'unknown' ? existence.reason : existence.kind;
  }

  it('finds an image by one HEAD that takes index and manifest', async () => {
    const { registry, digest, ask } = await world();
    assert.deepEqual(await ask(), { kind: 'found', digest });
    assert.deepEqual(
      registry.requests.map(({ method, path }) => `${method} ${path}`),
      ['HEAD /v2/team/app/manifests/1'],
    );
  });

  it('tells how each request ended, in few words whatever the registry answers', async () => {
    const { registry, ask, outcomes } = await world({ timeoutMs: 2_000 });
    await ask();
    const replies: RegistryFault[] = [
      { reply: failure(403, 'DENIED') },
      { reply: failure(429, 'TOOMANYREQUESTS') },
      { reply: { status: 451 } },
      { reply: { status: 599 } },
      { hangUp: true },
      { delayMs: 60_000 },
    ];
    for (const fault of replies) {
      registry.fault = () => fault;
      await ask();
    }
    const expected = ['2xx', '403', '429', '4xx', '5xx', 'RegistryUnavailable', 'RegistryUnavailable'];
    assert.deepEqual(
      outcomes.filter((each) => each.startsWith('HEAD')),
      expected.map((outcome) => `HEAD ${outcome}`),
    );
  });

  it('takes the digest from the content when the registry does not state it', async () => {
    const { registry, digest, ask } = await world();
    registry.fault = () => ({ omitDigest: true });
    assert.deepEqual(await ask(), { kind: 'found', digest });
  });

  it('takes the digest from the content when what the registry states is none', async () => {
    const { registry, digest, ask } = await world();
    const headers = { 'docker-content-digest': 'sha256:short' };
    registry.fault = ({ method }) => (method === 'HEAD' ? { reply: { status: 200, headers } } : undefined);
    assert.deepEqual(await ask(), { kind: 'found', digest });
  });

  it('holds a reference by digest to its digest', async () => {
    const { registry, digest, ask } = await world();
    assert.deepEqual(await ask(verified, [], `team/app@${digest}`), { kind: 'found', digest });
    const other = `sha256:${'0'.repeat(64)}`;
    const headers = { 'docker-content-digest': digest };
    registry.fault = () => ({ reply: { status: 200, headers } });
    assert.equal(reasonOf(await ask(verified, [], `team/app@${other}`)), 'UnexpectedAnswer');
  });

  for (const name of ['team/app:none', 'team/none:1']) {
    it(`says that ${name} is missing, because the registry says unknown`, async () => {
      const { ask } = await world();
      assert.equal((await ask(verified, [], name)).kind, 'missing');
    });
  }

  const faults: [what: string, fault: RegistryFault, reason: string][] = [
    ['404 of something in between', { reply: { status: 404, body: '<html>' } }, 'UnexpectedAnswer'],
    ['404 of another meaning', { reply: failure(404, 'UNSUPPORTED') }, 'UnexpectedAnswer'],
    ['404 with nonsense', { reply: { status: 404, body: '{"errors":[null,7,{"code":[]}]}' } }, 'UnexpectedAnswer'],
    ['200 of a portal', { reply: { status: 200, body: '<html>' } }, 'UnexpectedAnswer'],
    ['200 with other JSON', { reply: { status: 200, body: '{"schemaVersion":1}' } }, 'UnexpectedAnswer'],
    ['401 without a challenge', { reply: failure(401, 'UNAUTHORIZED') }, 'AccessDenied'],
    ['403', { reply: failure(403, 'DENIED') }, 'AccessDenied'],
    ['429', { reply: failure(429, 'TOOMANYREQUESTS') }, 'TooManyRequests'],
    ['500', { reply: { status: 500 } }, 'RegistryUnavailable'],
    ['503', { reply: { status: 503 } }, 'RegistryUnavailable'],
    ['a broken connection', { hangUp: true }, 'RegistryUnavailable'],
    ['an endless redirect', { reply: { status: 307, headers: { location: '/again' } } }, 'UnexpectedAnswer'],
    [
      'a redirect out of TLS',
      { reply: { status: 307, headers: { location: 'http://localhost:1/' } } },
      'UnexpectedAnswer',
    ],
  ];
  for (const [what, fault, reason] of faults) {
    it(`takes ${what} for ${reason}, never for missing or found`, async () => {
      const { registry, ask } = await world();
      registry.fault = () => fault;
      assert.equal(reasonOf(await ask()), reason);
    });
  }

  it('gives up on a registry that does not answer in time', async () => {
    const { registry, ask } = await world({ timeoutMs: 50 });
    registry.fault = () => ({ delayMs: 60_000 });
    const answer = await ask();
    assert.equal(reasonOf(answer), 'RegistryUnavailable');
    assert.match(answer.kind === 'unknown' ? answer.message : '', /no answer within/);
  });

  it('passes on how long the registry wants to be left alone', async () => {
    const { registry, ask } = await world();
    const reply = { status: 429, headers: { 'retry-after': '120' } };
    registry.fault = () => ({ reply });
    const answer = await ask();
    assert.equal(answer.kind === 'unknown' && answer.retryAfterMs, 120_000);
  });

  it('reads no endless body', async () => {
    const { registry, ask } = await world();
    registry.fault = ({ method }) =>
      method === 'HEAD' ? { omitDigest: true } : { reply: { status: 200, body: Buffer.alloc(5 * 1024 * 1024) } };
    assert.equal(reasonOf(await ask()), 'UnexpectedAnswer');
  });

  it('refuses a certificate of an unknown authority, unless told to skip that [71] [217]', async () => {
    const { ask } = await world({ trusted: false });
    assert.equal(reasonOf(await ask()), 'CertificateRefused');
    assert.equal((await ask(unverified)).kind, 'found');
  });

  it('speaks plain HTTP only when told to, and TLS even then where it is answered [71] [217]', async () => {
    const { ask } = await world({ plain: true });
    assert.equal(reasonOf(await ask()), 'RegistryUnavailable');
    assert.equal((await ask(plain)).kind, 'found');
    const encrypted = await world({ trusted: false });
    assert.equal((await encrypted.ask(plain)).kind, 'found');
  });

  describe('with credentials', () => {
    const users = { ann: 'pass', bob: 'word' };

    for (const scheme of ['basic', 'bearer'] as const) {
      it(`logs in by ${scheme} when asked to, and tries the next login when refused [72]`, async () => {
        const { registry, ask } = await world({ users, scheme });
        assert.equal(reasonOf(await ask()), 'AccessDenied');
        assert.equal((await ask(verified, [ann])).kind, 'found');
        const wrong = { ...ann, password: 'wrong' };
        assert.equal(reasonOf(await ask(verified, [wrong])), 'AccessDenied');
        assert.equal((await ask(verified, [wrong, ann])).kind, 'found');
        assert.equal(registry.requests.at(-1)?.user, 'ann');
      });
    }

    it('takes a token for nobody where everybody may read', async () => {
      const { ask } = await world({ users, scheme: 'bearer', anonymousPull: true });
      assert.equal((await ask()).kind, 'found');
    });

    it('sends none before it is asked', async () => {
      const { registry, ask } = await world();
      await ask(verified, [ann]);
      assert.deepEqual(
        registry.requests.map(({ authorized }) => authorized),
        [false],
      );
    });

    for (const [what, tls, isPlain] of [
      ['unverified TLS', unverified, false],
      ['plain HTTP', plain, true],
    ] as const) {
      it(`sends none over ${what} unless its Secret allows that, and says so`, async () => {
        const { registry, ask } = await world({ users, plain: isPlain });
        const answer = await ask(tls, [ann]);
        assert.equal(reasonOf(answer), 'AccessDenied');
        assert.match(answer.kind === 'unknown' ? answer.message : '', /kept back/);
        assert.ok(registry.requests.every(({ authorized }) => !authorized));
        assert.equal((await ask(tls, [{ ...ann, insecureAllowed: true }])).kind, 'found');
      });
    }

    it('drops them when the registry redirects to another origin', async () => {
      const storage = await world({ trusted: false });
      const { registry, client, digest, ask } = await world({ users });
      const location = `https://${storage.registry.host.replace('localhost', '127.0.0.1')}/v2/team/app/manifests/1`;
      registry.fault = () => ({ reply: { status: 307, headers: { location } } });
      assert.equal(reasonOf(await ask(verified, [ann])), 'CertificateRefused');
      const allowed = [{ ...ann, insecureAllowed: true }];
      const before = registry.requests.length;
      // Asked once for a login, redirected when it came with one.
      registry.fault = () =>
        registry.requests.length === before ? undefined : { reply: { status: 307, headers: { location } } };
      const target = { reference: reference(`${registry.host}/team/app:1`), tls: unverified, credentials: allowed };
      assert.deepEqual(await client.exists(target), { kind: 'found', digest });
      assert.deepEqual(
        registry.requests.slice(before).map(({ authorized }) => authorized),
        [false, true],
      );
      assert.ok(storage.registry.requests.length > 0);
      assert.ok(storage.registry.requests.every(({ authorized }) => !authorized));
    });

    for (const scheme of ['basic', 'bearer'] as const) {
      it(`does not give them to a redirect’s target that asks for them by ${scheme}`, async () => {
        const thief = await world({ users, trusted: false, scheme });
        const { registry, ask } = await world({ trusted: false });
        const location = `${thief.registry.url}/v2/team/app/manifests/1`;
        registry.fault = () => ({ reply: { status: 307, headers: { location } } });
        assert.equal(reasonOf(await ask(unverified, [{ ...ann, insecureAllowed: true }])), 'AccessDenied');
        assert.deepEqual(
          thief.registry.requests.map(({ path, authorized }) => [path, authorized]),
          [['/v2/team/app/manifests/1', false]],
        );
      });
    }

    for (const realm of ['http://localhost:1/token', 'ftp://x/', 'nonsense', '']) {
      it(`sends none to the realm ${JSON.stringify(realm)}, which is not behind TLS`, async () => {
        const { ask } = await world({ users, scheme: 'bearer', realm });
        const answer = await ask(verified, [ann]);
        assert.equal(reasonOf(answer), 'AccessDenied');
        assert.match(answer.kind === 'unknown' ? answer.message : '', /token realm/);
      });
    }

    it('tells no password in any message', async () => {
      const { registry, ask } = await world({ users });
      for (const status of [401, 403, 429, 500, 418]) {
        registry.fault = () => ({ reply: { status } });
        assert.doesNotMatch(JSON.stringify(await ask(verified, [ann])), /pass/);
      }
    });
  });

  it('asks one host few questions at once, and leaves room for another', async () => {
    const registry = await startRegistry({ clock: systemClock });
    cleanups.push(() => registry.stop());
    const client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem, concurrency: 4 });
    cleanups.push(() => client.close());
    let [begun, most] = [0, 0];
    registry.fault = () => {
      begun += 1;
      most = Math.max(most, begun - registry.requests.length);
      return { delayMs: 200 };
    };
    const names = Array.from({ length: 8 }, (_, index) => `${registry.host}/a:${index}`);
    await Promise.all(names.map((name) => client.exists({ reference: reference(name), tls: verified })));
    assert.equal(most, 3);
  });
});

describe('pushing and pulling through HTTP', () => {
  it('agree on the digest', async () => {
    const registry = await startRegistry({ clock: systemClock });
    const client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
    try {
      const image = await buildPluginImage();
      const { pinned } = await pushImage(registry, { repository: 'p', tag: '1' }, image);
      const answer = await client.exists({ reference: reference(pinned), tls: verified });
      assert.deepEqual(answer, { kind: 'found', digest: image.digest });
    } finally {
      await client.close();
      await registry.stop();
    }
  });
});
