import assert from 'node:assert/strict';
import { programUsers } from '../fleet/users.ts';
import { type Grant, grants, judge } from './check.ts';
import type { Use } from './uses.ts';

const grant: Grant = {
  user: 'robot',
  role: 'r',
  verb: 'get',
  group: '',
  resource: 'secrets',
  namespace: 'ours',
  names: [],
};
const use: Use = {
  user: 'robot',
  verb: 'get',
  group: '',
  resource: 'secrets',
  namespace: 'ours',
  name: 's',
  allowed: true,
};

describe('the rights that were used, beside those that are granted', () => {
  it('are as they should be when each is used and nothing is refused', () => {
    assert.deepEqual(judge([use], [grant], []), { refused: [], unused: [], stale: [] });
  });

  it('tell what was refused', () => {
    const refused = { ...use, verb: 'list', allowed: false };
    assert.deepEqual(judge([use, refused], [grant], []).refused, [refused]);
  });

  for (const [what, other] of Object.entries({
    verb: { verb: 'list' },
    namespace: { namespace: 'theirs' },
    user: { user: 'somebody' },
    resource: { resource: 'secrets/status' },
    group: { group: 'apps' },
  })) {
    it(`call a grant unused when only another ${what} was used`, () => {
      assert.deepEqual(judge([{ ...use, ...other }], [grant], []).unused, [grant]);
    });
  }

  it('call a grant for one name unused when only another name was used', () => {
    const named = { ...grant, names: ['t'] };
    assert.deepEqual(judge([use], [named], []).unused, [named]);
    assert.deepEqual(judge([{ ...use, name: 't' }], [named], []).unused, []);
  });

  it('take exceptions, and tell of those that nothing needs', () => {
    const [needed, stale] = [
      { verb: 'get', resource: 'secrets', why: 'w' },
      { verb: 'get', resource: 'pods', why: 'w' },
    ];
    assert.deepEqual(judge([], [grant], [needed, stale]), { refused: [], unused: [], stale: [stale] });
  });

  it('keep an exception whose grant was used this time', () => {
    assert.deepEqual(judge([use], [grant], [{ verb: 'get', resource: 'secrets', why: 'w' }]).stale, []);
  });
});

describe('the roles in deploy/', () => {
  const all = grants();

  it('are of both programs', () => {
    for (const user of Object.values(programUsers))
      assert.ok(
        all.some((each) => each.user === user),
        user,
      );
  });

  it('let nobody read the Secrets of a cluster: the hub those of its own namespace, the spoke those of one that lets it make images [138]', () => {
    const secrets = all.filter(({ resource }) => resource === 'secrets');
    const readers = [
      [programUsers.hub, 'openshift-kmm-hub'],
      [programUsers.spoke, 'kmm-modules'],
    ];
    assert.deepEqual(
      secrets.map(({ user, verb, namespace }) => [user, verb, namespace]),
      readers.flatMap(([user, namespace]) => ['get', 'list', 'watch'].map((verb) => [user, verb, namespace])),
    );
  });

  it('let the spoke change its own four claims only [138]', () => {
    const changes = all.filter(
      ({ resource, verb }) => resource === 'clusterclaims' && ['update', 'patch', 'delete'].includes(verb),
    );
    assert.ok(changes.length > 0);
    for (const { names } of changes) {
      assert.equal(names.length, 4);
      for (const name of names) assert.match(name, /^kernel-versions\.kmm\.node\.kubernetes\.io(-[234])?$/);
    }
  });

  it('hold no verb, resource or group for all', () => {
    assert.deepEqual(
      all.filter((each) => [each.verb, each.resource, each.group].includes('*')),
      [],
    );
  });
});
