import assert from 'node:assert/strict';
import type { SelfSubjectAccessReview } from '../../shared/kube/object.ts';
import { deployed, ofKind, type Role, type RoleRule } from '../../shared/testing/deployed.ts';
import { fakeClient } from '../../shared/testing/fake-client.ts';
import { makerRole, makingRefusal, programAccount } from './permission.ts';

type Attributes = SelfSubjectAccessReview['spec']['resourceAttributes'];

/** An API server whose only rights are those of `rules`, in namespace `drivers`. */
function server(rules: readonly RoleRule[], accounts: readonly string[] = ['kmm-operator-builder']) {
  const asked: Attributes[] = [];
  const client = fakeClient({
    create: async (_, object) => {
      const attributes = (object as unknown as SelfSubjectAccessReview).spec.resourceAttributes;
      asked.push(attributes);
      return { ...object, status: { allowed: rules.some((rule) => allows(rule, attributes)) } };
    },
    get: async (_, { name }) =>
      (accounts.includes(name) ? { metadata: { name } } : undefined) as Awaited<ReturnType<typeof client.get>> as never,
  });
  return { client, asked };
}

function allows(rule: RoleRule, { namespace, verb, group, resource, name }: Attributes): boolean {
  const named = rule.resourceNames?.includes(name ?? '') ?? true;
  return (
    namespace === 'drivers' &&
    named &&
    rule.verbs.includes(verb) &&
    rule.apiGroups.includes(group) &&
    rule.resources.includes(resource)
  );
}

const objects = deployed('spoke').map(({ object }) => object);
const role = ofKind<Role>(objects, 'ClusterRole').find(({ metadata }) => metadata.name === makerRole);
const refusal = (given: ReturnType<typeof server>) =>
  makingRefusal({ client: given.client, namespace: 'drivers', operatorNamespace: 'openshift-kmm' });

describe('whether images may be made in a namespace', () => {
  it('is so with what the ClusterRole of deploy/spoke has, all of it', async () => {
    const rules = role?.rules ?? [];
    assert.equal(await refusal(server(rules)), undefined);
    for (const [at, rule] of rules.entries()) {
      for (const verb of rule.verbs) {
        const others = rules.map((each, index) =>
          index === at ? { ...each, verbs: each.verbs.filter((other) => other !== verb) } : each,
        );
        assert.match((await refusal(server(others))) ?? '', new RegExp(`may not ${verb} ${rule.resources[0]}`));
      }
    }
  });

  it('costs one question where it is not, and names the namespace and the command', async () => {
    const given = server([]);
    assert.equal(
      await refusal(given),
      'images are not made in namespace drivers before that is allowed there (may not create jobs): kubectl create rolebinding kmm-operator-image-maker-role -n drivers --clusterrole=kmm-operator-image-maker-role --serviceaccount=openshift-kmm:kmm-operator-controller',
    );
    assert.equal(given.asked.length, 1);
  });

  it('is not so without the account of the pods: Jobs would wait for ever', async () => {
    const said = await refusal(server(role?.rules ?? [], ['default']));
    assert.match(said ?? '', /kubectl create serviceaccount kmm-operator-builder -n drivers$/);
  });

  it('is asked for the account that deploy/spoke makes', () => {
    const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name);
    assert.ok(accounts.includes(programAccount));
  });
});
