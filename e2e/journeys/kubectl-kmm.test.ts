import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ManagedClusterModuleSpec, managedClusterModules } from '@open-cluster-management/api-types';
import { parseAllDocuments, stringify } from 'yaml';
import { controllerRevisions } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { readModule, readWork } from '../world/fleet/observe.ts';
import { hubNamespace } from '../world/fleet/users.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

const executable = join(import.meta.dirname, '../../hub/cli/kubectl-kmm.mjs');
/** Nobody gave them a right; the embedded plane, where everybody has all, takes this one away. */
const stranger = 'stranger';
/** As whom the commands run on the embedded plane; on the real one as an administrator. */
const reader = 'reader';
const userRoles = join(import.meta.dirname, '../../deploy/hub/user-roles.yaml');

interface Role {
  metadata: { name: string };
  rules: { resources: string[]; verbs: string[] }[];
}

interface Said {
  code: number | null;
  out: string;
  err: string;
}

describe('kubectl kmm, the executable, on a fleet with a cluster whose node refuses the module', () => {
  let stage: Stage;
  let spec: ManagedClusterModuleSpec;
  let kubeconfig: string;
  const children: ChildProcess[] = [];
  const file = async (name: string, text: string) => {
    const path = join(stage.fleet.folder, name);
    await writeFile(path, text);
    return path;
  };
  const start = (args: readonly string[], config: string) => {
    const cache = join(stage.fleet.folder, 'compile-cache');
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: stage.fleet.folder,
      KUBECONFIG: config,
      NODE_COMPILE_CACHE: cache,
    };
    const child = spawn(process.execPath, [executable, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    const said: Said = { code: null, out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    const ended = new Promise<Said>((resolve) => child.on('close', (code) => resolve({ ...said, code })));
    return { child, said, ended };
  };
  const kmm = (...args: string[]) => start(args, kubeconfig).ended;

  before(async () => {
    const node = (trustedSigners?: string[]) => ({
      name: 'n1',
      kernel: { release: kernels.el9, ...(trustedSigners && { trustedSigners }) },
    });
    stage = await startStage([
      { name: 'good', nodes: [node()], labels: { ring: 'one' } },
      { name: 'bad', nodes: [node(['somebody else'])], labels: { ring: 'two' } },
    ]);
    await pushDriver(stage.fleet, {
      repository: 'drivers/nic',
      module: 'nic',
      kernels: [kernels.el9, kernels.el9Next],
    });
    spec = fleetSpec(driverSpec(stage.fleet, 'drivers/nic'));
    await stage.apply('nic', spec);
    await stage.ready('nic', 'False LoadFailed');
    const { hub } = stage.fleet;
    kubeconfig = await file('kubeconfig', await hub.kubeconfig(hub.embedded && reader));
  });
  after(() => {
    for (const child of children) child.kill();
    return stage?.stop();
  });

  it('status: who is well and who is not, as a table and as data, filtered, with exit codes for scripts', async () => {
    const all = await kmm('status');
    assert.equal(all.code, 1, all.err);
    assert.match(all.out, /^nic: not ready \(LoadFailed\), 1 of 2 clusters well, 1 failed$/m);
    assert.match(all.out, /^nic +good +5\.14\S+ +Loaded +1\/1$/m);
    assert.match(all.out, /^nic +bad +5\.14\S+ +Failed +0\/1 +n1: RequiredKeyNotAvailable: /m);
    assert.ok(!all.out.includes('\u001b'));
    const good = await kmm('status', 'nic', '--cluster', 'good', '-o', 'json');
    assert.equal(good.code, 0);
    const { rows } = JSON.parse(good.out) as { rows: { cluster: string; image: string; version: string }[] };
    assert.deepEqual(
      rows.map(({ cluster }) => cluster),
      ['good'],
    );
    assert.match(rows[0]!.image, /@sha256:/);
    assert.match(rows[0]!.version, /^nic-[0-9a-f]{16}$/);
    const failed = await kmm('status', '--state', 'failed', '--kernel', kernels.el9, '-o', 'yaml');
    assert.equal(failed.code, 1);
    assert.match(failed.out, /cluster: bad/);
    assert.match((await kmm('status', '-o', 'wide')).out, /NODES +VERSION +IMAGE +DETAIL/);
  });

  it('explain: the chain, the link that breaks, and what to do', async () => {
    const bad = await kmm('explain', 'nic', 'bad');
    assert.equal(bad.code, 1, bad.err);
    assert.match(bad.out, /^nic on bad: breaks at loaded \(RequiredKeyNotAvailable\)$/m);
    assert.match(bad.out, /^ {2}ok {6}mapping .*kernelMappings\[0\]/m);
    assert.match(bad.out, /^> BROKEN {2}loaded/m);
    assert.match(bad.out, /what to do: RequiredKeyNotAvailable: Secure Boot: sign/);
    const good = await kmm('explain', 'nic', 'good');
    assert.equal(good.code, 0, good.out + good.err);
    assert.match(good.out, /^nic on good: all is well$/m);
    assert.match((await kmm('explain', 'nic', 'none')).out, /breaks at cluster \(ClusterNotFound\)/);
  });

  it('plan: what an edit would change, without a write', async () => {
    const before = await readModule(stage.fleet, 'nic');
    const edited = structuredClone(spec);
    edited.selector = { ring: 'one' };
    edited.moduleSpec!.moduleLoader!.container.modprobe.parameters = ['debug=1'];
    const object = {
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ManagedClusterModule',
      metadata: { name: 'nic' },
    };
    const path = await file('plan.yaml', stringify({ ...object, spec: edited }));
    const plan = await kmm('plan', '-f', path);
    assert.equal(plan.code, 0, plan.err);
    assert.match(plan.out, /^nic: a new version nic-[0-9a-f]{16}, now nic-[0-9a-f]{16}$/m);
    assert.match(plan.out, /spec\.moduleSpec\.moduleLoader\.container\.modprobe\.parameters: nothing → \["debug=1"\]/);
    assert.match(plan.out, /^1 +get the new version +good$/m);
    assert.match(plan.out, /^1 +lose the module: it is unloaded +bad$/m);
    assert.match(
      plan.out,
      new RegExp(`^${kernels.el9} +\\S+/drivers/nic:\\S+ +1 +Verified +must be in the registry$`, 'm'),
    );
    const same = await kmm('plan', '-f', await file('same.yaml', stringify({ ...object, spec })));
    assert.match(same.out, /^nic: the version stays nic-/m);
    assert.match(same.out, /^2 +stay as they are +bad, good$/m);
    const ahead = { ...spec, upcomingKernels: [{ kernelVersion: kernels.el9Next }] };
    const prepared = await kmm('plan', '-f', await file('ahead.yaml', stringify({ ...object, spec: ahead })));
    assert.match(prepared.out, /^2 +keep the version and get further kernels +bad, good$/m);
    assert.match(prepared.out, /^upcoming \S+ is added: 2 clusters would get a write that maps it: bad, good$/m);
    assert.deepEqual(
      (await readModule(stage.fleet, 'nic'))?.metadata.resourceVersion,
      before?.metadata.resourceVersion,
    );
  });

  it('preflight: which clusters would lose which module on a kernel that nobody runs yet', async () => {
    const present = await kmm('preflight', '--kernel', kernels.el9);
    assert.equal(present.code, 0, present.out + present.err);
    const next = await kmm('preflight', '--kernel', kernels.el9Next, 'nic');
    assert.equal(next.code, 1);
    assert.match(next.out, /^nic +not known +2 +bad, good +\S+ NotKnown: the hub has not looked for it yet/m);
    await stage.apply('narrow', {
      ...spec,
      moduleSpec: {
        ...spec.moduleSpec!,
        moduleLoader: {
          container: {
            ...spec.moduleSpec!.moduleLoader!.container,
            kernelMappings: [{ literal: kernels.debian, containerImage: 'registry.example/any:1' }],
          },
        },
      },
    });
    const narrow = await kmm('preflight', '--kernel', kernels.el9Next, 'narrow');
    assert.equal(narrow.code, 1);
    assert.match(narrow.out, /^narrow +not served +2 +bad, good +NoKernelMapping: /m);
    await stage.remove('narrow');
  });

  it('rollout: pause and resume say it in the spec, undo writes the version before back and asks first', async () => {
    const paused = async () => (await readModule(stage.fleet, 'nic'))?.spec.rollout?.paused;
    assert.equal((await kmm('rollout', 'pause', 'nic')).code, 0);
    assert.equal(await paused(), true);
    assert.match((await kmm('rollout', 'pause', 'nic')).out, /is paused already/);
    assert.equal((await kmm('rollout', 'resume', 'nic')).code, 0);
    assert.equal(await paused(), false);
    const parameters = async () =>
      (await readModule(stage.fleet, 'nic'))?.spec.moduleSpec?.moduleLoader?.container.modprobe.parameters;
    const { client } = stage.fleet.hub;
    await stage.edit('nic', { moduleSpec: { moduleLoader: { container: { modprobe: { parameters: ['debug=1'] } } } } });
    await eventually('two versions of nic are kept', async () => {
      const kept = await client.list(controllerRevisions, { namespace: hubNamespace });
      return kept.items.filter(({ metadata }) => metadata.name.startsWith('nic-')).length === 2;
    });
    const unasked = await kmm('rollout', 'undo', 'nic');
    assert.deepEqual([unasked.code, await parameters()], [2, ['debug=1']]);
    assert.match(unasked.err, /expected --yes, because there is no terminal/);
    const undone = await kmm('rollout', 'undo', 'nic', '--yes');
    assert.equal(undone.code, 0, undone.err);
    assert.match(undone.out, /parameters: \["debug=1"\] → nothing/);
    assert.equal(await parameters(), undefined);
    const wrong = await kmm('rollout', 'undo', 'nic', '--to-revision', 'nic-none', '--yes');
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.err,
      /--to-revision: expected a version of nic, got "nic-none"; there are, the newest first: nic-/,
    );
  });

  it('watches: prints what changes, and ends with Ctrl-C', async () => {
    const { child, said, ended } = start(['status', 'nic', '--watch'], kubeconfig);
    await eventually('the first table', async () => /bad/.test(said.out));
    await stage.edit('nic', { selector: { ring: 'one' } });
    await eventually('bad has no work', async () => (await readWork(stage.fleet, 'bad', 'nic')) === undefined);
    await stage.edit('nic', { selector: { ring: null } });
    const lines = () => said.out.split('\n').filter((line) => /^nic +bad /.test(line));
    await eventually('bad is back in the output', async () => lines().length > 1);
    child.kill('SIGINT');
    assert.equal((await ended).code, 130);
  });

  it('has asked for nothing but what the roles for people in deploy/hub allow', async () => {
    // The real plane does not count what processes ask for.
    if (!stage.fleet.hub.embedded) return;
    const roles = parseAllDocuments(await readFile(userRoles, 'utf8')).map((each): Role => each.toJS());
    const may = roles
      .filter(({ metadata }) => /fleet-viewer|revision-viewer|editor/.test(metadata.name))
      .flatMap(({ rules }) => rules)
      .flatMap(({ resources, verbs }) => verbs.flatMap((verb) => resources.map((resource) => `${verb} ${resource}`)));
    const asked = (await stage.fleet.hub.requests(reader)).map(({ verb, resource }) => `${verb} ${resource}`);
    assert.ok(asked.includes('list controllerrevisions') && asked.includes('patch managedclustermodules'));
    assert.deepEqual(
      [...new Set(asked)].filter((each) => !may.includes(each)),
      [],
    );
  });

  it('says what it expected of who uses it wrongly, has no right, or names no API server', async () => {
    for (const [args, expected] of [
      [['status', '--sate', 'Failed'], /'--sate'/],
      [['status', 'none'], /expected the name of a ManagedClusterModule, got "none"; there are: nic/],
      [['plan', '-f', join(stage.fleet.folder, 'none.yaml')], /expected a file that can be read, got ENOENT/],
      [['plan', '-f', kubeconfig], /expected a ManagedClusterModule with a name/],
    ] as const) {
      const { code, out, err } = await kmm(...args);
      assert.deepEqual([code, out], [2, ''], err);
      assert.match(err, expected);
    }
    const { hub } = stage.fleet;
    const config = await file('stranger', await hub.kubeconfig(stranger));
    const resource = managedClusterModules.plural;
    const giveBack = hub.embedded && (await hub.withhold({ user: stranger, resource, verbs: ['get', 'list'] }));
    const refused = await start(['status'], config).ended;
    await giveBack?.();
    assert.deepEqual([refused.code, refused.out], [3, '']);
    assert.match(
      refused.err,
      /expected the right to do this, got: .*managedclustermodules.*kmm-operator-hub-fleet-viewer-role/,
    );
    const nowhere = await kmm('status', '--context', 'none');
    assert.equal(nowhere.code, 3);
    assert.match(nowhere.err, /has no context "none"/);
    assert.match((await kmm('status', '--help')).out, /Exit codes:/);
  });
});
