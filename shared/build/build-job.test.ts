import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { expanded } from '../../e2e/world/node/downward.ts';
import type { Job } from '../kube/object.ts';
import { type BuildRequest, buildJob } from './build-job.ts';
import { stepName } from './step.ts';
import { buildRecipe, buildRequest, labelledSecrets, secretFacts, verified } from './testing/requests.ts';

function job(overrides: Partial<BuildRequest> = {}): Job {
  const made = buildJob(buildRequest(overrides));
  assert.ok(made.kind === 'object', JSON.stringify(made));
  return made.object;
}

function podOf({ spec }: Job) {
  const pod = spec.template.spec;
  assert.ok(pod !== undefined);
  return pod;
}

/** What the script finds: kubelet has replaced what it replaces. */
function variables(made: Job): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, value = '' } of podOf(made).containers[0]?.env ?? []) found[name] = expanded(value, found);
  return found;
}

function withBuild(build: Partial<NonNullable<BuildRequest['recipe']['build']>>): Partial<BuildRequest> {
  return { recipe: buildRecipe({ build: { ...buildRecipe().build!, ...build } }) };
}

describe('the build Job', () => {
  it('is labelled, owned and bounded, and tried once [76]', () => {
    const { kind, apiVersion, metadata, spec } = job();
    const labels = {
      'kmm.node.kubernetes.io/managedclustermodule.name': 'driver',
      'kmm.node.kubernetes.io/target-kernel': '6.1.0-13.el9.x86_64',
      'kmm.openshift.io/build.type': 'build',
    };
    assert.deepEqual([apiVersion, kind], ['batch/v1', 'Job']);
    assert.match(metadata.name, /^driver-build-[0-9a-f]{8}$/);
    assert.deepEqual(metadata.labels, labels);
    assert.deepEqual(spec.template.metadata?.labels, labels);
    assert.deepEqual(metadata.annotations, { 'kmm.node.kubernetes.io/last-hash': '0123456789abcdef' });
    assert.equal(metadata.ownerReferences?.[0]?.uid, 'mcm');
    assert.deepEqual([spec.backoffLimit, spec.activeDeadlineSeconds], [0, 3600]);
    assert.equal(spec.ttlSecondsAfterFinished, undefined);
    assert.equal(podOf(job()).restartPolicy, 'Never');
  });

  it('runs the script as it is, and shows its last lines when it fails [76]', () => {
    const [container, ...others] = podOf(job()).containers;
    assert.deepEqual(others, []);
    const script = readFileSync(new URL('build.sh', import.meta.url), 'utf8');
    assert.deepEqual(container?.command, ['/bin/sh', '-ec', script]);
    assert.equal(container?.args, undefined);
    assert.equal(container?.terminationMessagePolicy, 'FallbackToLogsOnError');
    assert.equal(container?.image, 'r.example/buildah:1');
  });

  it('gets no token, three capabilities and a root file system that it may not write', () => {
    const pod = podOf(job());
    assert.deepEqual([pod.serviceAccountName, pod.automountServiceAccountToken], ['kmm-operator-builder', false]);
    const security = pod.containers[0]?.securityContext;
    assert.deepEqual(security?.capabilities, { drop: ['ALL'], add: ['SETUID', 'SETGID', 'SETFCAP'] });
    assert.deepEqual(
      [security?.privileged, security?.allowPrivilegeEscalation, security?.readOnlyRootFilesystem],
      [false, false, true],
    );
    assert.equal(pod.hostNetwork ?? pod.hostPID ?? pod.hostIPC, undefined);
  });

  it('is privileged only where that is configured', () => {
    const settings = { ...buildRequest().settings, privileges: 'Privileged' as const };
    assert.equal(podOf(job({ settings })).containers[0]?.securityContext?.privileged, true);
  });

  it('mounts the Dockerfile, the build secrets and the login, and nothing else of the namespace [63] [68] [69]', () => {
    const { volumes = [], containers } = podOf(job());
    assert.deepEqual(
      volumes.map((volume) => volume.secret?.secretName ?? volume.configMap?.name ?? volume.name),
      ['dockerfile', 'work', 'token', 'pull.cache', 'registry'],
    );
    const mounted = Object.fromEntries((containers[0]?.volumeMounts ?? []).map((mount) => [mount.mountPath, mount]));
    assert.deepEqual(Object.keys(mounted).sort(), [
      '/run/secrets/push',
      '/tmp',
      '/var/tmp',
      '/workspace/dockerfile',
      '/workspace/secrets/pull.cache',
      '/workspace/secrets/token',
      '/workspace/work',
    ]);
    const writable = Object.values(mounted).filter(({ readOnly }) => readOnly !== true);
    assert.deepEqual([...new Set(writable.map(({ name }) => name))], ['work']);
    for (const { name } of Object.values(mounted))
      assert.ok(
        volumes.some((volume) => volume.name === name),
        name,
      );
    assert.deepEqual(volumes[0]?.configMap?.items, [{ key: 'dockerfile', path: 'dockerfile' }]);
  });

  it('hands arguments on as they are: kubelet replaces nothing in them [65]', () => {
    const values = ['$(KMM_IMAGE)', '$$(KMM_IMAGE)', '$KMM_IMAGE', '$$', '$', '$(', '$(date)', '$&', 'it\'s "x"\n-v'];
    const args = values.map((value, index) => ({ name: `A${index}`, value }));
    const found = variables(job(withBuild({ args })));
    assert.equal(found['KMM_BUILD_ARGS'], String(values.length));
    assert.deepEqual(
      values.map((_, index) => found[`KMM_BUILD_ARG_${index}`]),
      values.map((value, index) => `A${index}=${value}`),
    );
  });

  it('pushes what is still to be signed under the temporary name (T9) [84] [85]', () => {
    assert.match(variables(job())['KMM_IMAGE'] ?? '', /_kmm_unsigned$/);
    assert.doesNotMatch(JSON.stringify(job()), /"r\.example\/kmod:6\.1\.0"/);
  });

  it('gives DTK_AUTO where it is known, else why it is not, unless the user says it [67]', () => {
    const known = variables(job({ toolkit: { kind: 'known', image: 'r.example/dtk:1' } }));
    assert.deepEqual([known['KMM_BUILD_ARG_1'], known['KMM_NO_TOOLKIT']], ['DTK_AUTO=r.example/dtk:1', undefined]);
    const unknown = variables(job());
    assert.deepEqual([unknown['KMM_BUILD_ARGS'], unknown['KMM_NO_TOOLKIT']], ['1', 'no toolkit']);
    const own = withBuild({ args: [{ name: 'DTK_AUTO', value: 'mine' }] });
    for (const toolkit of [buildRequest().toolkit, { kind: 'known', image: 'r.example/dtk:1' } as const]) {
      const said = variables(job({ ...own, toolkit }));
      assert.deepEqual(
        [said['KMM_BUILD_ARGS'], said['KMM_BUILD_ARG_0'], said['KMM_NO_TOOLKIT']],
        ['1', 'DTK_AUTO=mine', undefined],
      );
    }
  });

  for (const [what, base, image, insecureAllowed, expected] of [
    ['verified everywhere', verified, verified, false, ['true', 'true', 'true', 'true']],
    ['base images in clear', { ...verified, insecure: true }, verified, false, ['false', 'false', 'true', 'true']],
    [
      'push without verification',
      verified,
      { ...verified, insecureSkipTLSVerify: true },
      false,
      ['true', 'true', 'false', 'false'],
    ],
    [
      'all in clear, which the Secret allows',
      { ...verified, insecure: true },
      { ...verified, insecure: true },
      true,
      ['false', 'true', 'false', 'true'],
    ],
  ] as const) {
    it(`logs in only where TLS is verified or the Secret allows less: ${what} [70] [207]`, () => {
      const secrets = labelledSecrets().set('registry', secretFacts('pull', { insecureAllowed }));
      const recipe = buildRecipe({
        registryTLS: image,
        build: { ...buildRecipe().build!, baseImageRegistryTLS: base },
      });
      const found = variables(job({ recipe, secrets }));
      const names = ['KMM_BASE_TLS_VERIFY', 'KMM_BASE_LOGIN', 'KMM_IMAGE_TLS_VERIFY', 'KMM_IMAGE_LOGIN'];
      assert.deepEqual(
        names.map((name) => found[name]),
        expected,
      );
    });
  }

  it('runs on the nodes of build.selector, else on the module’s, always of the kernel’s architecture [73]', () => {
    const arch = { 'kubernetes.io/arch': 'amd64' };
    const own = withBuild({ selector: { fast: '' } });
    const moduleSelector = { gpu: 'yes' };
    const any = buildRecipe();
    delete any.architecture;
    for (const [request, expected] of [
      [{}, arch],
      [{ moduleSelector }, { gpu: 'yes', ...arch }],
      [
        { ...own, moduleSelector },
        { fast: '', ...arch },
      ],
      [{ ...withBuild({ selector: {} }), moduleSelector }, arch],
      [{ recipe: any }, undefined],
    ] satisfies readonly (readonly [Partial<BuildRequest>, unknown])[]) {
      assert.deepEqual(podOf(job(request)).nodeSelector, expected);
    }
  });

  it('is refused for nodes of another architecture than the kernel’s', () => {
    const made = buildJob(buildRequest(withBuild({ selector: { 'kubernetes.io/arch': 'arm64' } })));
    assert.ok(made.kind === 'refused');
    assert.equal(made.reason, 'ArchitectureConflict');
    assert.match(
      made.message,
      /expected nodes of kubernetes\.io\/arch=amd64 for kernel 6\.1\.0-13\.el9\.x86_64, got arm64/,
    );
  });

  it('tolerates what it is told to', () => {
    const tolerations = [{ key: 'build', operator: 'Exists' }];
    assert.deepEqual(podOf(job({ tolerations })).tolerations, tolerations);
    assert.equal(podOf(job()).tolerations, undefined);
  });

  it('mounts the trusted certificate authorities where they are configured [74]', () => {
    const made = job({ settings: { ...buildRequest().settings, trustedCa: 'trusted-ca' } });
    assert.equal(variables(made)['KMM_CA'], '/workspace/ca');
    assert.ok(podOf(made).containers[0]?.volumeMounts?.some(({ mountPath }) => mountPath === '/workspace/ca'));
    assert.ok(podOf(made).volumes?.some(({ configMap }) => configMap?.name === 'trusted-ca'));
  });

  it('mounts no signing key, whatever the recipe says', () => {
    const secrets = labelledSecrets().set('signing-key', secretFacts(undefined));
    for (const recipe of [
      buildRecipe({ imageRepoSecret: 'signing-key' }),
      buildRecipe({ build: { ...buildRecipe().build!, secrets: ['signing-key'] } }),
    ]) {
      const made = buildJob(buildRequest({ recipe, secrets, strictSecrets: false }));
      assert.ok(made.kind === 'refused' && made.reason === 'SecretRefused', JSON.stringify(made));
    }
    assert.doesNotMatch(JSON.stringify(job()), /signing-/);
  });

  it('passes warnings on', () => {
    const secrets = labelledSecrets().set('token', secretFacts(undefined));
    const made = buildJob(buildRequest({ secrets, strictSecrets: false }));
    assert.ok(made.kind === 'object');
    assert.deepEqual(made.warnings, ['Secret token has no label kmm.node.kubernetes.io/use=build']);
  });
});

describe('the name of a step', () => {
  const recipe = buildRecipe();
  const named = (name: string, image = recipe.image) =>
    stepName('sign', { recipe: { ...recipe, image }, module: { name, label: 'kmm.node.kubernetes.io/module.name' } });

  it('is one for each image, so that no two can be at once', () => {
    assert.equal(named('driver'), named('driver'));
    assert.notEqual(named('driver'), named('driver', 'r.example/kmod:6.1.1'));
    assert.match(named('driver'), /^driver-sign-[0-9a-f]{8}$/);
  });

  for (const module of [
    'a'.repeat(49),
    'a'.repeat(50),
    `${'a'.repeat(48)}.b`,
    `${'a'.repeat(47)}--b`,
    'a'.repeat(253),
  ]) {
    it(`of the module ${module.slice(0, 60)} (${module.length}) fits into a label`, () => {
      const name = named(module);
      assert.ok(name.length <= 63, name);
      assert.match(name, /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?-sign-[0-9a-f]{8}$/);
    });
  }
});
