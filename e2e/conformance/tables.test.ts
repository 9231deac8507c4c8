import assert from 'node:assert/strict';
import { type Plane, startPlane } from './plane.ts';

interface Table {
  columnDefinitions: { name: string; priority: number }[];
  rows: { cells: unknown[] }[];
}

const asTable = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
const workload = 'containers, images, selector';

/** Path, columns, and those that only `-o wide` shows. */
const kinds: readonly [path: string, columns: string, wide?: string][] = [
  ['api/v1/pods', 'name, ready, status, restarts, age', 'ip, node, nominated node, readiness gates'],
  [
    'api/v1/nodes',
    'name, status, roles, age, version',
    'internal-ip, external-ip, os-image, kernel-version, container-runtime',
  ],
  ['api/v1/namespaces', 'name, status, age'],
  ['api/v1/configmaps', 'name, data, age'],
  ['api/v1/secrets', 'name, type, data, age'],
  ['api/v1/serviceaccounts', 'name, age'],
  ['api/v1/services', 'name, type, cluster-ip, external-ip, port(s), age', 'selector'],
  ['api/v1/events', 'last seen, type, reason, object, message', 'subobject, source, first seen, count, name'],
  ['apis/apps/v1/daemonsets', 'name, desired, current, ready, up-to-date, available, node selector, age', workload],
  ['apis/apps/v1/deployments', 'name, ready, up-to-date, available, age', workload],
  ['apis/apps/v1/controllerrevisions', 'name, controller, revision, age'],
  ['apis/batch/v1/jobs', 'name, status, completions, duration, age', workload],
  ['apis/coordination.k8s.io/v1/leases', 'name, holder, age'],
  ['apis/networking.k8s.io/v1/networkpolicies', 'name, pod-selector, age'],
  ['apis/rbac.authorization.k8s.io/v1/roles', 'name, created at'],
  ['apis/rbac.authorization.k8s.io/v1/clusterroles', 'name, created at'],
  ['apis/rbac.authorization.k8s.io/v1/rolebindings', 'name, role, age', 'users, groups, serviceaccounts'],
  ['apis/rbac.authorization.k8s.io/v1/clusterrolebindings', 'name, role, age', 'users, groups, serviceaccounts'],
  ['apis/scheduling.k8s.io/v1/priorityclasses', 'name, value, global-default, age, preemptionpolicy'],
  ['apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'name, created at'],
];

describe('conformance: tables of built-in kinds', () => {
  let plane: Plane;
  let namespace: string;

  before(async () => {
    plane = await startPlane();
    namespace = await plane.newNamespace();
  });
  after(() => plane.stop());

  async function table(path: string): Promise<Table> {
    const { code, body } = await plane.raw.call('GET', `/${path}`, undefined, asTable);
    assert.equal(code, 200, JSON.stringify(body));
    return body as unknown as Table;
  }

  for (const [path, columns, wide = ''] of kinds)
    it(`${path.split('/').at(-1)}: ${columns}`, async () => {
      const { columnDefinitions } = await table(`${path}?limit=1`);
      const shown = (isWide: boolean) =>
        columnDefinitions.filter(({ priority }) => priority > 0 === isWide).map(({ name }) => name.toLowerCase());
      assert.equal(shown(false).join(', '), columns);
      assert.equal(shown(true).join(', '), wide);
    });

  const rowOf = async (path: string, name: string) => {
    const { rows } = await table(`${path.replace('NS', namespace)}/${name}`);
    return rows[0]?.cells ?? [];
  };
  const post = async (path: string, object: object) => {
    const { code, body } = await plane.raw.call('POST', `/${path.replace('NS', namespace)}`, object);
    assert.equal(code, 201, JSON.stringify(body));
  };

  it('cells of roles, bindings and policies', async () => {
    const rbac = 'apis/rbac.authorization.k8s.io/v1/namespaces/NS';
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
    const subjects = [
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ann' },
      { kind: 'ServiceAccount', namespace: 'x', name: 'robot' },
    ];
    const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'b' } };
    await post(`${rbac}/rolebindings`, { ...binding, roleRef, subjects });
    const [name, role, , ...who] = await rowOf(`${rbac}/rolebindings`, 'b');
    assert.deepEqual([name, role, ...who], ['b', 'Role/r', 'ann', '', 'x/robot']);
    const policies = 'apis/networking.k8s.io/v1/namespaces/NS/networkpolicies';
    const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p' } };
    await post(policies, { ...policy, spec: { podSelector: { matchLabels: { a: 'b' } } } });
    assert.deepEqual((await rowOf(policies, 'p')).slice(0, 2), ['p', 'a=b']);
  });

  it('cells of deployments, jobs and DaemonSets that run nothing', async () => {
    const labels = { a: 'b' };
    const containers = [{ name: 'c', image: 'registry.example/i:1' }];
    const spec = { nodeSelector: { none: 'such' }, containers };
    const template = { metadata: { labels }, spec };
    const selector = { matchLabels: labels };
    const apps = 'apis/apps/v1/namespaces/NS';
    const workloadOf = (kind: string, more: object) => ({
      apiVersion: 'apps/v1',
      kind,
      metadata: { name: 'w' },
      ...more,
    });
    await post(`${apps}/deployments`, workloadOf('Deployment', { spec: { replicas: 0, selector, template } }));
    const [, ready, upToDate, available, , ...wide] = await rowOf(`${apps}/deployments`, 'w');
    assert.deepEqual([ready, upToDate, available, ...wide], ['0/0', 0, 0, 'c', 'registry.example/i:1', 'a=b']);
    await post(`${apps}/daemonsets`, workloadOf('DaemonSet', { spec: { selector, template } }));
    const cells = await rowOf(`${apps}/daemonsets`, 'w');
    assert.deepEqual(cells.slice(1, 7), [0, 0, 0, 0, 0, 'none=such']);
    const jobs = 'apis/batch/v1/namespaces/NS/jobs';
    const job = { template: { spec: { ...spec, restartPolicy: 'Never' } }, suspend: true };
    await post(jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: job });
    const [, , completions, duration] = await rowOf(jobs, 'j');
    assert.deepEqual([completions, duration], ['0/1', '']);
  });

  it('a pod waits, a node is not known yet', async () => {
    await post('api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'table' } });
    assert.equal((await rowOf('api/v1/nodes', 'table'))[1], 'Unknown');
    const spec = { nodeSelector: { none: 'such' }, containers: [{ name: 'c', image: 'registry.example/i:1' }] };
    await post('api/v1/namespaces/NS/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec });
    const pod = await rowOf('api/v1/namespaces/NS/pods', 'p');
    assert.deepEqual(pod.slice(0, 4), ['p', '0/1', 'Pending', '0']);
    await plane.raw.call('DELETE', '/api/v1/nodes/table');
  });
});
