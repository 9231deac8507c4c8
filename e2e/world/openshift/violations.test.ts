import assert from 'node:assert/strict';
import type { Pod } from '../../../shared/kube/object.ts';
import { violationsOf } from './violations.ts';

type Spec = Partial<Pod['spec']>;
type Container = Pod['spec']['containers'][number];

const podOf = (spec: Spec): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c' }], ...spec },
});
const withContext = (securityContext: Container['securityContext']) => ({
  containers: [{ name: 'c', securityContext }],
});

describe("what OpenShift's stand-in sees in a pod", () => {
  for (const [what, spec, expected] of [
    ['a host folder', { volumes: [{ name: 'v', hostPath: { path: '/x' } }] }, /volumes\[0\].*"hostPath"/],
    ["the host's network", { hostNetwork: true }, /hostNetwork/],
    ['a privileged container', withContext({ privileged: true }), /containers\[0\]\.privileged/],
    ['a capability', withContext({ capabilities: { add: ['SYS_MODULE'] } }), /"SYS_MODULE"/],
    ['root', withContext({ runAsUser: 0 }), /runAsUser/],
    ['root for all of the pod', { securityContext: { runAsUser: 0 } }, /spec\.securityContext\.runAsUser/],
    ['an SELinux type', withContext({ seLinuxOptions: { type: 'spc_t' } }), /"spc_t"/],
    ['an escalation', withContext({ allowPrivilegeEscalation: true }), /allowPrivilegeEscalation/],
    ['a host port', { containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 1 }] }] }, /hostPort/],
    [
      'root in an init container',
      { initContainers: [{ name: 'i', securityContext: { runAsUser: 0 } }] },
      /\.initContainers/,
    ],
  ] as [string, Spec, RegExp][]) {
    it(`is ${what}`, () => {
      const seen = violationsOf(podOf(spec));
      assert.equal(seen.length, 1);
      assert.match(seen[0] ?? '', expected);
    });
  }

  it('is nothing in a pod that needs no privileges', () => {
    const securityContext = { runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
    const volumes = [{ name: 'v', emptyDir: {} }];
    assert.deepEqual(violationsOf(podOf({ volumes, ...withContext(securityContext) })), []);
  });
});
