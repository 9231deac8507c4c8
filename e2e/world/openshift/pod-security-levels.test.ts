import assert from 'node:assert/strict';
import { isSynced, levelLabel, levelOf } from './pod-security-levels.ts';

const sync = 'security.openshift.io/scc.podSecurityLabelSync';
const namespace = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

describe("the Pod Security level by OpenShift's stand-in", () => {
  for (const [name, label, synced] of [
    ['drivers', undefined, true],
    ['drivers', 'false', false],
    ['openshift-kmm', undefined, false],
    ['openshift-kmm', 'true', true],
  ] as const) {
    it(`${synced ? 'follows' : 'does not follow'} the accounts of ${name} with its label ${label ?? 'absent'}`, () => {
      assert.equal(isSynced(namespace(name, label === undefined ? {} : { [sync]: label })), synced);
    });
  }

  it('is privileged where an account may use that, and restricted elsewhere', () => {
    assert.equal(levelOf(namespace('drivers'), true), 'privileged');
    assert.equal(levelOf(namespace('drivers', { [levelLabel]: 'privileged' }), false), 'restricted');
  });

  it('is left to who set it where it does not follow', () => {
    assert.equal(levelOf(namespace('openshift-x'), true), 'restricted');
    assert.equal(levelOf(namespace('openshift-x', { [levelLabel]: 'baseline' }), true), 'baseline');
  });
});
