import assert from 'node:assert/strict';
import { array, asyncProperty, assert as check, constantFrom, integer, oneof, record } from 'fast-check';
import { silentLog } from '../core/log.ts';
import type { Secret } from '../kube/object.ts';
import type { Existence, ImageTarget } from '../registry/client.ts';
import { settle, VirtualClock } from '../testing/virtual-clock.ts';
import { ImageChecks, type ImageRequest } from './checks.ts';
import type { ImageRecipe } from './recipe.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const moved = `sha256:${'b'.repeat(64)}`;
const found: Existence = { kind: 'found', digest };
const missing: Existence = { kind: 'missing', message: 'not there' };
const outage: Existence = { kind: 'unknown', reason: 'RegistryUnavailable', message: 'down' };
const denied: Existence = { kind: 'unknown', reason: 'AccessDenied', message: '401' };
const tls = { insecure: false, insecureSkipTLSVerify: false };
const request: ImageRequest = { image: 'quay.io/team/kmod:6.1.0', tls };

/** A fleet's checks against a registry that answers what the test says. */
function world(options: { secrets?: Record<string, Secret>; strictSecrets?: boolean } = {}) {
  const clock = new VirtualClock();
  const state = {
    answer: found as Existence,
    asked: [] as ImageTarget[],
    changes: [] as (readonly string[])[],
    tried: [] as ImageTarget[],
    takesPushes: false,
  };
  const checks = new ImageChecks({
    registry: {
      exists: async (target) => {
        state.asked.push(target);
        return state.answer;
      },
      takesPushes: async (target) => {
        state.tried.push(target);
        return state.takesPushes;
      },
    },
    readSecret: async (namespace, name) => {
      const secret = options.secrets?.[`${namespace}/${name}`];
      if (name === 'unreadable') throw new Error('forbidden');
      return secret;
    },
    strictSecrets: options.strictSecrets ?? false,
    runtime: { clock, random: () => 0, log: silentLog },
    onChange: (wantedBy) => state.changes.push(wantedBy),
  });
  return { clock, checks, world: state };
}

describe('image checks', () => {
  it('ask once for all who want an image', async () => {
    const { checks, world: registry } = world();
    const wanters = Array.from({ length: 10_000 }, (_, index) => `module-${index}`);
    for (const wanter of wanters) checks.want(wanter, [request]);
    assert.deepEqual(checks.state(request), { state: 'Checking' });
    await settle();
    assert.equal(registry.asked.length, 1);
    assert.deepEqual(registry.changes, [wanters]);
    assert.deepEqual(checks.state({ ...request, tls: { ...tls } }), { state: 'Verified', digest });
  });

  it('ask again for another Secret, other TLS options or another generation', async () => {
    const { checks, world: registry } = world();
    checks.want('a', [request, { ...request, tls: { ...tls, insecure: true } }]);
    checks.want('b', [request], 1);
    checks.want('c', [{ ...request, secret: { namespace: 'kmm', name: 'pull' } }]);
    await settle();
    assert.equal(registry.asked.length, 4);
  });

  it('go on when a missing image appears, and tell who waited [82]', async () => {
    const { clock, checks, world: registry } = world();
    registry.answer = missing;
    checks.want('a', [request]);
    await settle();
    assert.deepEqual(checks.state(request), { state: 'Missing', message: 'not there' });
    registry.answer = found;
    registry.changes.splice(0);
    await clock.advance(30_000);
    assert.deepEqual(checks.state(request), { state: 'Verified', digest });
    assert.deepEqual(registry.changes, [['a']]);
  });

  it('look for a missing image after 30 s, and then ever more rarely up to 10 minutes', async () => {
    const { clock, checks, world: registry } = world();
    registry.answer = missing;
    checks.want('a', [request]);
    const delays: number[] = [];
    let askedAtMs = clock.now();
    for (let asked = 1; asked <= 7; ) {
      await clock.advance(5_000);
      if (registry.asked.length === asked) continue;
      delays.push(clock.now() - askedAtMs);
      askedAtMs = clock.now();
      asked = registry.asked.length;
    }
    assert.deepEqual(delays, [30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
    assert.equal(registry.changes.length, 1);
  });

  it('leave a registry alone for as long as it asked', async () => {
    const { clock, checks, world: registry } = world();
    registry.answer = { kind: 'unknown', reason: 'TooManyRequests', message: '429', retryAfterMs: 900_000 };
    checks.want('a', [request]);
    await clock.advance(899_000);
    assert.equal(registry.asked.length, 1);
    await clock.advance(1_000);
    assert.equal(registry.asked.length, 2);
  });

  it('never take an outage for a missing image, nor forget by it what was verified', async () => {
    const { clock, checks, world: registry } = world();
    registry.answer = outage;
    checks.want('a', [request]);
    await clock.advance(3_600_000);
    const state = checks.state(request);
    assert.deepEqual(state, { state: 'Unknown', reason: 'RegistryUnavailable', message: 'down' });
    registry.answer = found;
    await clock.advance(600_000);
    registry.answer = outage;
    await clock.advance(3_600_000);
    assert.deepEqual(checks.state(request), { state: 'Verified', digest });
  });

  it('do not follow a tag that moves, until the generation changes', async () => {
    const { clock, checks, world: registry } = world();
    checks.want('a', [request], 1);
    await settle();
    registry.answer = { kind: 'found', digest: moved };
    checks.want('b', [request], 1);
    await clock.advance(24 * 3_600_000);
    assert.equal(registry.asked.length, 1);
    assert.deepEqual(checks.state(request, 1), { state: 'Verified', digest });
    checks.want('a', [request], 2);
    await settle();
    assert.deepEqual(checks.state(request, 2), { state: 'Verified', digest: moved });
    assert.deepEqual(checks.state(request, 1), { state: 'Verified', digest });
  });

  it('forget what nobody wants any more, and ask anew when it is wanted again', async () => {
    const { clock, checks, world: registry } = world();
    registry.answer = missing;
    checks.want('a', [request]);
    checks.want('b', [request]);
    await settle();
    checks.want('a', []);
    assert.equal(checks.state(request).state, 'Missing');
    checks.forget('b');
    assert.equal(checks.state(request).state, 'Checking');
    assert.equal(clock.pending, 0);
    registry.answer = found;
    checks.want('b', [request]);
    await settle();
    assert.equal(checks.state(request).state, 'Verified');
    assert.equal(registry.asked.length, 2);
  });

  it('drop an answer that nobody waits for', async () => {
    const { clock, checks, world: registry } = world();
    registry.answer = missing;
    checks.want('a', [request]);
    checks.stop();
    await settle();
    assert.deepEqual(registry.changes, []);
    assert.equal(clock.pending, 0);
  });

  for (const image of ['Quay.io/Team/kmod:1', 'quay.io/team/kmod', '']) {
    it(`call ${JSON.stringify(image)} invalid, once and without asking anybody`, async () => {
      const { clock, checks, world: registry } = world();
      checks.want('a', [{ image, tls }]);
      await clock.advance(3_600_000);
      const state = checks.state({ image, tls });
      assert.equal(state.state === 'Unknown' && state.reason, 'InvalidImage');
      assert.deepEqual([registry.asked.length, registry.changes.length, clock.pending], [0, 1, 0]);
    });
  }

  it('show a programmer’s error and go on', async () => {
    const { clock, checks, world: registry } = world();
    registry.answer = null as unknown as Existence;
    checks.want('a', [request]);
    await settle();
    const state = checks.state(request);
    assert.equal(state.state === 'Unknown' && state.reason, 'UnexpectedAnswer');
    registry.answer = found;
    await clock.advance(30_000);
    assert.equal(checks.state(request).state, 'Verified');
  });

  it('whatever happens, ask for no verified image again and leave no timer', async () => {
    const images = ['quay.io/a:1', 'quay.io/b:1'];
    const step = oneof(
      record({ want: constantFrom('x', 'y'), images: array(constantFrom(...images), { maxLength: 2 }) }),
      record({ answer: constantFrom(found, missing, outage, denied) }),
      record({ advanceMs: integer({ min: 0, max: 700_000 }) }),
    );
    const run = asyncProperty(array(step, { maxLength: 15 }), async (steps) => {
      const { clock, checks, world: registry } = world();
      for (const action of steps) {
        const verifiedBefore = images.filter((image) => checks.state({ image, tls }).state === 'Verified');
        const askedBefore = registry.asked.length;
        if ('want' in action)
          checks.want(
            action.want,
            action.images.map((image) => ({ image, tls })),
          );
        else if ('answer' in action) registry.answer = action.answer;
        else await clock.advance(action.advanceMs);
        const stillVerified = verifiedBefore.filter((image) => checks.state({ image, tls }).state === 'Verified');
        await settle();
        for (const target of registry.asked.slice(askedBefore)) {
          assert.ok(!stillVerified.includes(`quay.io/${target.reference.repository}:1`));
        }
      }
      checks.stop();
      assert.equal(clock.pending, 0);
    });
    await check(run, { numRuns: 50 });
  });
});

describe('image checks with a Secret', () => {
  const name = { namespace: 'kmm', name: 'pull' };
  const auths = { 'quay.io': { username: 'ann', password: 'pass' } };

  function secret(labels: Record<string, string>, content: unknown = { auths }, annotations = {}): Secret {
    const data = { '.dockerconfigjson': Buffer.from(JSON.stringify(content)).toString('base64') };
    return { apiVersion: 'v1', kind: 'Secret', metadata: { ...name, labels, annotations }, data };
  }

  const use = 'kmm.node.kubernetes.io/use';
  const withSecret: ImageRequest = { ...request, secret: name };

  async function look(given: Secret | undefined, answer: Existence = found, strictSecrets = false) {
    const secrets: Record<string, Secret> = given === undefined ? {} : { 'kmm/pull': given };
    const { checks, world: registry } = world({ secrets, strictSecrets });
    registry.answer = answer;
    checks.want('a', [withSecret]);
    await settle();
    const state = checks.state(withSecret);
    const reason = state.state === 'Unknown' ? state.reason : state.state;
    const message = 'message' in state ? state.message : '';
    return {
      reason,
      message,
      credentials: registry.asked[0]?.credentials,
      warnings: checks.warnings('a'),
      asked: registry.asked.length,
    };
  }

  it('come with its login [72]', async () => {
    const { reason, credentials, warnings } = await look(secret({ [use]: 'pull' }));
    assert.equal(reason, 'Verified');
    assert.deepEqual(credentials, [{ username: 'ann', password: 'pass', insecureAllowed: false }]);
    assert.deepEqual(warnings, []);
  });

  it('let the login travel unverified only when the Secret says so', async () => {
    const annotations = { 'kmm.node.kubernetes.io/allow-insecure-registry': 'true' };
    const { credentials } = await look(secret({ [use]: 'pull' }, { auths }, annotations));
    assert.equal(credentials?.[0]?.insecureAllowed, true);
  });

  it('use an unlabelled one with a warning, and refuse it under strictSecrets', async () => {
    const lenient = await look(secret({}));
    assert.equal(lenient.reason, 'Verified');
    assert.match(lenient.warnings.join(), /kmm\/pull has no label kmm\.node\.kubernetes\.io\/use=pull/);
    const strict = await look(secret({}), found, true);
    assert.deepEqual([strict.reason, strict.asked], ['SecretUnusable', 0]);
  });

  for (const other of ['sign', 'build']) {
    it(`refuse one that is labelled for ${other}, without asking the registry`, async () => {
      const { reason, message, asked } = await look(secret({ [use]: other }));
      assert.deepEqual([reason, asked], ['SecretUnusable', 0]);
      assert.match(message, new RegExp(`use=pull, got ${other}`));
    });
  }

  it('ask without a login where the Secret is not there, and believe no refusal then', async () => {
    assert.equal((await look(undefined, found)).reason, 'Verified');
    for (const answer of [missing, denied]) {
      const { reason, message } = await look(undefined, answer);
      assert.equal(reason, 'SecretUnusable');
      assert.match(message, /kmm\/pull does not exist/);
    }
    assert.equal((await look(undefined, outage)).reason, 'RegistryUnavailable');
  });

  it('take a refusal for a missing image where it can be built and the login may push: some registries refuse what they have not', async () => {
    const recipe = { build: {} } as ImageRecipe;
    for (const [takesPushes, buildable, expected] of [
      [true, true, 'Missing'],
      [false, true, 'Unknown'],
      [true, false, 'Unknown'],
    ] as const) {
      const { checks, world: registry } = world({ secrets: { 'kmm/pull': secret({ [use]: 'pull' }) } });
      Object.assign(registry, { answer: denied, takesPushes });
      const wanted = { ...withSecret, ...(buildable && { recipe }) };
      checks.want('a', [wanted]);
      await settle();
      assert.equal(checks.state(wanted).state, expected);
      assert.equal(registry.tried.length, buildable ? 1 : 0);
      checks.stop();
    }
  });

  it('never push without a login, nor while the registry is down [T17]', async () => {
    const recipe = { build: {} } as ImageRecipe;
    for (const [wanted, answer] of [
      [{ ...request, recipe }, denied],
      [{ ...withSecret, recipe }, outage],
    ] as const) {
      const { checks, world: registry } = world({ secrets: { 'kmm/pull': secret({ [use]: 'pull' }) } });
      Object.assign(registry, { answer, takesPushes: true });
      checks.want('a', [wanted]);
      await settle();
      assert.deepEqual([checks.state(wanted).state, registry.tried.length], ['Unknown', 0]);
      checks.stop();
    }
  });

  it('say what is wrong with its content', async () => {
    const { reason, message } = await look(secret({ [use]: 'pull' }, []), denied);
    assert.equal(reason, 'SecretUnusable');
    assert.match(message, /kmm\/pull: expected JSON/);
    const elsewhere = await look(secret({ [use]: 'pull' }, { auths: { 'ghcr.io': auths['quay.io'] } }), denied);
    assert.equal(elsewhere.reason, 'AccessDenied');
    assert.match(elsewhere.message, /has no login for quay\.io/);
  });

  it('say when it cannot be read, and read it again', async () => {
    const { clock, checks, world: registry } = world();
    const unreadable = { ...request, secret: { namespace: 'kmm', name: 'unreadable' } };
    checks.want('a', [unreadable]);
    await settle();
    const state = checks.state(unreadable);
    assert.match(state.state === 'Unknown' ? `${state.reason} ${state.message}` : '', /SecretUnusable .*forbidden/);
    assert.equal(registry.asked.length, 0);
    assert.equal(clock.pending, 1);
    checks.stop();
  });
});
