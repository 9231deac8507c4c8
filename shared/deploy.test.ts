import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { hubConfigSchema } from '../hub/config.ts';
import { buildJob } from './build/build-job.ts';
import { signJob } from './build/sign-job.ts';
import { buildRequest, signRequest } from './build/testing/requests.ts';
import { kernelClaimNames } from './kernel/claims.ts';
import type { NetworkPolicy } from './kube/object.ts';
import {
  type Binding,
  type Deployment,
  deployed,
  ofKind,
  programContainer,
  type Role,
  type RoleRule,
  rulesOf,
} from './testing/deployed.ts';

/** What `deploy/` says, held against the programs and the guide. */
const root = join(import.meta.dirname, '..');
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

const programs = [
  { name: 'hub', namespace: 'openshift-kmm-hub', account: 'kmm-operator-hub-controller', heading: '## Hub' },
  { name: 'spoke', namespace: 'openshift-kmm', account: 'kmm-operator-controller', heading: '## Spoke' },
] as const;

for (const { name, namespace, account, heading } of programs) {
  const objects = deployed(name).map(({ object }) => object);
  const all = <T>(kind: string) => ofKind<T>(objects, kind);
  const bindings = [...all<Binding>('RoleBinding'), ...all<Binding>('ClusterRoleBinding')];
  const rules = rulesOf(objects, account);

  describe(`deploy/${name}`, () => {
    it('lists every file of its folder', () => {
      const { resources } = parse(textOf(`deploy/${name}/kustomization.yaml`)) as { resources: string[] };
      const files = readdirSync(join(root, 'deploy', name)).filter((file) => file !== 'kustomization.yaml');
      assert.deepEqual(resources.filter((file) => file !== '../crds').sort(), files.sort());
    });

    it('holds each object once, with the definitions of its own kinds only', () => {
      const keys = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
      assert.deepEqual([...new Set(keys)], keys);
      const group = name === 'hub' ? /^\w+\.hub\.kmm\.sigs\.x-k8s\.io$/ : /^\w+\.kmm\.sigs\.x-k8s\.io$/;
      const definitions = all('CustomResourceDefinition').map(({ metadata }) => metadata.name);
      assert.ok(definitions.length > 0);
      assert.deepEqual(
        definitions.filter((definition) => !group.test(definition)),
        [],
      );
    });

    it('puts its objects into the namespace that it makes, and events beside the objects that have none', () => {
      assert.deepEqual(
        all('Namespace').map(({ metadata }) => metadata.name),
        [namespace],
      );
      const elsewhere = objects.filter((object) => (object.metadata.namespace ?? namespace) !== namespace);
      const places = elsewhere.map(({ metadata }) => `${metadata.namespace} ${metadata.name}`);
      assert.deepEqual(
        places.filter((place) => !/^default \S+-event-recorder-role/.test(place)),
        [],
      );
    });

    it('binds roles that are there to accounts that are there', () => {
      for (const { metadata, roleRef, subjects } of bindings) {
        const role = all<Role>(roleRef.kind).find((each) => each.metadata.name === roleRef.name);
        assert.ok(role, `${metadata.name} binds ${roleRef.name}`);
        if (roleRef.kind === 'Role') assert.equal(role.metadata.namespace, metadata.namespace);
        for (const subject of subjects) {
          const ours = all('ServiceAccount').some(
            (each) => each.metadata.name === subject.name && each.metadata.namespace === subject.namespace,
          );
          const agent = subject.name === 'klusterlet-work-sa' && metadata.name === 'klusterlet-kmm';
          assert.ok(ours || agent, `${metadata.name} binds ${subject.namespace}/${subject.name}`);
        }
      }
    });

    it('gives the program the rights that the guide lists, and no others [138]', () => {
      const page = textOf('docs/guides/real-cluster.md');
      const section = page.slice(page.indexOf(heading)).split('\n## ')[0] ?? '';
      const rows = section.split('\n').filter((line) => /^\| (?:`[a-z0-9.-]*`|core) \|/.test(line));
      assert.deepEqual(rows, rules.map(rowOf));
    });

    it('names every verb and every resource, and lets nobody read Secrets or ConfigMaps elsewhere or write them [138]', () => {
      // The hub lists those of its own namespace, as metadata: it builds of them, and has to see a change.
      const reading = name === 'hub' ? ['get', 'list', 'watch'] : ['get'];
      for (const { rule, namespace: where } of rules) {
        assert.ok(![rule.verbs, rule.resources, rule.apiGroups].flat().includes('*'), JSON.stringify(rule));
        if (!rule.resources.some((resource) => /^(secrets|configmaps)$/.test(resource))) continue;
        assert.equal(where, namespace);
        assert.deepEqual(
          rule.verbs.filter((verb) => !reading.includes(verb)),
          [],
        );
      }
    });

    it('keeps those who may write a Module out of edit and admin', () => {
      for (const { metadata, rules: granted } of all<Role>('ClusterRole')) {
        const aggregated = Object.keys(metadata.labels ?? {}).filter((label) => label.includes('aggregate-to-'));
        const reads = granted.every(({ verbs }) => verbs.every((verb) => ['get', 'list', 'watch'].includes(verb)));
        assert.ok(aggregated.length === 0 || reads, metadata.name);
      }
    });

    it('runs the program without root, capabilities or a file that it may write, under its own account', () => {
      const [deployment] = all<Deployment>('Deployment');
      const { replicas, selector, template } = deployment!.spec;
      const [container] = template.spec.containers;
      assert.deepEqual([replicas, template.spec.serviceAccountName], [1, account]);
      const options = container!.env.find((variable) => variable.name === 'NODE_OPTIONS')?.value;
      assert.equal(options, `--max-semi-space-size=${name === 'hub' ? 4 : 1}`);
      for (const [key, value] of Object.entries(selector.matchLabels)) {
        assert.equal(template.metadata.labels[key], value);
      }
      assert.deepEqual(template.spec.securityContext, {
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      assert.deepEqual(container!.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      assert.deepEqual(
        [container!.livenessProbe.httpGet, container!.readinessProbe.httpGet],
        [
          { path: '/healthz', port: 'health' },
          { path: '/readyz', port: 'health' },
        ],
      );
      const { healthProbeBindAddress, metrics } = hubConfigSchema.parse({});
      assert.deepEqual(container!.ports, [
        { name: 'health', containerPort: healthProbeBindAddress?.port },
        { name: 'metrics', containerPort: metrics.bindAddress?.port },
      ]);
      assert.ok(container!.resources.requests['cpu'] && container!.resources.limits['memory']);
    });
  });
}

describe('deploy/hub', () => {
  const objects = deployed('hub').map(({ object }) => object);
  const [buildJobMade, signJobMade] = [buildJob(buildRequest()), signJob(signRequest())];
  const namespace = objects.find(({ kind }) => kind === 'Namespace');

  it('gives the pods that build and sign an account without rights or token', () => {
    for (const made of [buildJobMade, signJobMade]) {
      assert.ok(made.kind === 'object');
      const account = made.object.spec.template.spec?.serviceAccountName ?? '';
      assert.deepEqual(rulesOf(objects, account), []);
      const [found] = ofKind<{ automountServiceAccountToken?: boolean }>(objects, 'ServiceAccount').filter(
        ({ metadata }) => metadata.name === account,
      );
      assert.equal(found?.automountServiceAccountToken, false);
    }
  });

  it('lets nobody talk to them, and them to registries', () => {
    for (const made of [buildJobMade, signJobMade]) {
      assert.ok(made.kind === 'object');
      const labelled = made.object.spec.template.metadata?.labels ?? {};
      const [policy, ...others] = ofKind<Required<NetworkPolicy>>(objects, 'NetworkPolicy').filter(({ spec }) =>
        spec.podSelector?.matchExpressions?.every(({ key, operator }) => operator === 'Exists' && key in labelled),
      );
      assert.deepEqual([policy?.spec.policyTypes, policy?.spec.ingress, others], [['Ingress'], undefined, []]);
    }
  });

  it('enforces the Pod Security level that pods which build meet, and no laxer one', () => {
    assert.equal(namespace?.metadata.labels?.['pod-security.kubernetes.io/enforce'], 'baseline');
    assert.ok(buildJobMade.kind === 'object');
    const { containers = [], volumes = [] } = buildJobMade.object.spec.template.spec ?? {};
    // What `baseline` allows to be added.
    const allowed =
      'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT';
    for (const { securityContext } of containers) {
      assert.deepEqual(
        (securityContext?.capabilities?.add ?? []).filter((name) => !allowed.split(' ').includes(name)),
        [],
      );
      assert.deepEqual([securityContext?.privileged, securityContext?.seccompProfile], [false, undefined]);
    }
    assert.ok(volumes.every((volume) => !('hostPath' in volume)));
  });
});

describe('deploy/hub-openshift', () => {
  const plain = deployed('hub').map(({ object }) => object);
  const all = deployed('hub-openshift').map(({ object }) => object);
  const others = all.filter((object) => !plain.some((each) => isDeepStrictEqual(each, object)));

  it('is deploy/hub, the rights that the guide lists, and a namespace that lets pods of Builds in [138]', () => {
    const kinds = ['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];
    assert.deepEqual(others.map(({ kind }) => kind).sort(), kinds.sort());
    assert.equal(all.length - plain.length, 4);
    const [namespace] = others.filter(({ kind }) => kind === 'Namespace');
    const level = 'pod-security.kubernetes.io/enforce';
    const [before] = plain.filter(({ kind }) => kind === 'Namespace');
    assert.deepEqual(namespace?.metadata.labels, { ...before?.metadata.labels, [level]: 'privileged' });
    const page = textOf('docs/guides/building.md');
    const section = page.slice(page.indexOf('## On OpenShift')).split('\n## ')[0] ?? '';
    const rows = section.split('\n').filter((line) => /^\| (?:`[a-z0-9.-]*`|core) \|/.test(line));
    const rules = rulesOf(others, 'kmm-operator-hub-controller');
    assert.deepEqual(rows, rules.map(rowOf));
    assert.ok(rules.every(({ rule }) => ![rule.verbs, rule.resources, rule.apiGroups].flat().includes('*')));
  });
});

describe('deploy/spoke', () => {
  it('lets the program write the four claims of its own and no other [138]', () => {
    const objects = deployed('spoke').map(({ object }) => object);
    const rules = rulesOf(objects, 'kmm-operator-controller').filter(({ rule }) =>
      rule.resources.includes('clusterclaims'),
    );
    const writing = rules.filter(({ rule }) => rule.verbs.some((verb) => !['list', 'watch'].includes(verb)));
    const unnamed = writing.filter(({ rule }) => rule.resourceNames === undefined);
    // What is created has no name yet when RBAC is asked.
    assert.deepEqual(
      unnamed.map(({ rule }) => rule.verbs),
      [['list', 'watch', 'create']],
    );
    const named = writing.filter((each) => !unnamed.includes(each));
    assert.deepEqual(
      named.map(({ rule }) => rule.resourceNames),
      [[...kernelClaimNames]],
    );
  });

  it('lets the privileged accounts use the SCC in the namespace of the operator only [134]', () => {
    const objects = deployed('spoke').map(({ object }) => object);
    for (const account of ['kmm-operator-module-loader', 'kmm-operator-device-plugin']) {
      const rights = rulesOf(objects, account);
      assert.deepEqual(rights, [
        {
          namespace: 'openshift-kmm',
          rule: {
            apiGroups: ['security.openshift.io'],
            resources: ['securitycontextconstraints'],
            resourceNames: ['privileged'],
            verbs: ['use'],
          },
        },
      ]);
    }
  });

  it('has the Pod Security level of its namespace follow the accounts, on OpenShift [137]', () => {
    const namespace = deployed('spoke').find(({ object }) => object.kind === 'Namespace')?.object;
    assert.equal(namespace?.metadata.labels?.['security.openshift.io/scc.podSecurityLabelSync'], 'true');
    const levels = Object.keys(namespace?.metadata.labels ?? {}).filter((label) => label.startsWith('pod-security'));
    assert.deepEqual(levels, []);
  });
});

describe('deploy/spoke-images', () => {
  const spoke = deployed('spoke').map(({ object }) => object);
  const objects = deployed('spoke-images').map(({ object }) => object);

  it('gives the spoke program, in one namespace, the rights that the guide lists for it, and nobody has them before [138]', () => {
    const page = textOf('docs/guides/real-cluster.md');
    const section = page.slice(page.indexOf('## Images that are made on a spoke')).split('\n## ')[0] ?? '';
    const rows = section.split('\n').filter((line) => /^\| (?:`[a-z0-9.-]*`|core) \|/.test(line));
    const bound = rulesOf([...spoke, ...objects], 'kmm-operator-controller').filter(
      ({ namespace }) => namespace === 'kmm-modules',
    );
    assert.ok(bound.length > 0);
    assert.deepEqual(rows, bound.map(rowOf));
    const role = ofKind<Binding>(objects, 'RoleBinding')[0]?.roleRef.name;
    const bindings = spoke.filter(({ kind }) => /Binding$/.test(kind)) as Binding[];
    assert.ok(role && bindings.every(({ roleRef }) => roleRef.name !== role));
  });

  it('is all that it takes: no Secret is written, and nothing beyond what the hub may in its own namespace', () => {
    const hub = rulesOf(
      deployed('hub').map(({ object }) => object),
      'kmm-operator-hub-controller',
    ).filter(({ namespace }) => namespace === 'openshift-kmm-hub');
    const maker = ofKind<Role>(spoke, 'ClusterRole').find(({ metadata }) => /image-maker/.test(metadata.name));
    for (const rule of maker?.rules ?? []) {
      if (rule.resources.includes('serviceaccounts')) continue;
      const same = hub.find((each) => each.rule.resources[0] === rule.resources[0] && !each.rule.resourceNames);
      assert.deepEqual(rule.verbs, same?.rule.verbs, rule.resources.join());
    }
  });

  it('has the account of the pods that build and sign: without rights or token', () => {
    const [account] = ofKind<{ automountServiceAccountToken?: boolean }>(objects, 'ServiceAccount');
    assert.deepEqual([account?.metadata.name, account?.automountServiceAccountToken], ['kmm-operator-builder', false]);
    assert.deepEqual(rulesOf([...spoke, ...objects], 'kmm-operator-builder'), []);
  });
});

describe('the image of hub and spoke', function () {
  this.timeout(60_000);
  const stages = textOf('deploy/images/hub-and-spoke/Dockerfile').split(/^FROM /m);
  const copied = (stages.at(-1) ?? '')
    .split('\n')
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
  let image: string;

  before(() => {
    image = mkdtempSync(join(tmpdir(), 'kmm-image-'));
    for (const path of copied) cpSync(join(root, path), join(image, path), { recursive: true });
    linkDependencies(image);
  });
  after(() => rmSync(image, { recursive: true, force: true }));

  it('copies files that are there, and of the project the programs only', () => {
    const sources = stages.flatMap((stage) =>
      stage
        .split('\n')
        .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
        .flatMap((line) => line.split(/\s+/).slice(1, -1)),
    );
    assert.deepEqual(
      sources.filter((path) => !existsSync(join(root, path))),
      [],
    );
    assert.deepEqual(copied.sort(), ['LICENSE', 'hub', 'package.json', 'shared', 'spoke']);
  });

  for (const { name } of programs) {
    it(`has all that the ${name} needs to start and to say what it misses`, () => {
      const { args } = programContainer(name);
      const run = spawnSync(process.execPath, args, { cwd: image, env: {}, encoding: 'utf8', timeout: 50_000 });
      assert.equal(run.status, 1, run.stderr);
      assert.match(run.stderr + run.stdout, /OPERATOR_NAMESPACE: expected the namespace/);
    });
  }
});

/** What `npm ci --omit=dev --omit=optional` would put there, as links: the folders of the project are the image's own. */
function linkDependencies(folder: string): void {
  const { packages } = JSON.parse(textOf('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; link?: boolean; resolved?: string }>;
  };
  for (const [path, { dev, optional, link, resolved }] of Object.entries(packages)) {
    if (!/^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path) || dev || optional) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(link ? join(folder, resolved ?? '') : join(root, path), join(folder, path));
  }
}

/** One row of the guide's table of rights. */
function rowOf({ rule, namespace }: { rule: RoleRule; namespace?: string | undefined }): string {
  const code = (text: string) => `\`${text}\``;
  const group = rule.apiGroups.map((each) => (each === '' ? 'core' : code(each))).join(', ');
  const names = (rule.resourceNames ?? []).map(code).join(', ');
  const resources = rule.resources.map(code).join(', ') + (names && `: ${names}`);
  return `| ${group} | ${resources} | ${rule.verbs.join(', ')} | ${namespace ? code(namespace) : 'everywhere'} |`;
}
