import assert from 'node:assert/strict';
import type { Job } from '../kube/object.ts';
import { type SignRequest, signJob } from './sign-job.ts';
import { buildRecipe, labelledSecrets, secretFacts, signRequest, verified } from './testing/requests.ts';

function job(overrides: Partial<SignRequest> = {}): Job {
  const made = signJob(signRequest(overrides));
  assert.ok(made.kind === 'object', JSON.stringify(made));
  return made.object;
}

function podOf({ spec }: Job) {
  const pod = spec.template.spec;
  assert.ok(pod !== undefined);
  return pod;
}

function variables(made: Job): Record<string, string | undefined> {
  return Object.fromEntries((podOf(made).containers[0]?.env ?? []).map(({ name, value }) => [name, value]));
}

describe('the sign Job', () => {
  it('runs our signer, tried once, for a bounded time', () => {
    const { metadata, spec } = job();
    assert.match(metadata.name, /^driver-sign-[0-9a-f]{8}$/);
    assert.equal(metadata.labels?.['kmm.openshift.io/build.type'], 'sign');
    assert.deepEqual([spec.backoffLimit, spec.activeDeadlineSeconds], [0, 600]);
    const [container] = podOf(job()).containers;
    assert.deepEqual(
      [container?.name, container?.image, container?.command],
      ['sign', 'r.example/hub-and-spoke:1', ['node', 'shared/sign/main.ts']],
    );
    assert.equal(container?.terminationMessagePolicy, 'FallbackToLogsOnError');
  });

  it('meets the Pod Security level restricted', () => {
    const pod = podOf(job());
    assert.deepEqual(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    assert.equal(pod.automountServiceAccountToken, false);
    for (const { securityContext } of pod.containers) {
      assert.deepEqual(securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    const kinds = (pod.volumes ?? []).flatMap(({ name: _, ...volume }) => Object.keys(volume));
    assert.deepEqual([...new Set(kinds)].sort(), ['emptyDir', 'secret']);
  });

  it('mounts key, certificate and login, and no build secret [87]', () => {
    const { volumes, containers } = podOf(job());
    const secrets = (volumes ?? []).flatMap(({ secret }) => (secret ? [[secret.secretName, secret.items]] : []));
    assert.deepEqual(secrets, [
      ['signing-key', undefined],
      ['signing-cert', [{ key: 'cert', path: 'cert' }]],
      // No other key of it: whoever names another Secret here gets nothing of that.
      ['registry', [{ key: '.dockerconfigjson', path: '.dockerconfigjson' }]],
    ]);
    assert.deepEqual(
      containers[0]?.volumeMounts?.map(({ mountPath, readOnly }) => [mountPath, readOnly ?? false]),
      [
        ['/run/secrets/key', true],
        ['/run/secrets/cert', true],
        ['/tmp', false],
        ['/run/secrets/push', true],
      ],
    );
  });

  it('tells the signer what to sign, where from and where to [83]', () => {
    const sign = { ...buildRecipe().sign!, filesToSign: ['/opt/$(KMM_KERNEL)/*.ko', '/opt/a b.ko'] };
    assert.deepEqual(variables(job({ recipe: buildRecipe({ sign }) })), {
      KMM_UNSIGNED_IMAGE: 'r.example/kmod:6.1.0-openshift-kmm-hub_driver_kmm_unsigned',
      KMM_SIGNED_IMAGE: 'r.example/kmod:6.1.0',
      KMM_FILES_TO_SIGN: '["/opt/$$(KMM_KERNEL)/*.ko","/opt/a b.ko"]',
      KMM_DIR_NAME: '/opt',
      KMM_KERNEL: '6.1.0-13.el9.x86_64',
      KMM_UNSIGNED_TLS: '{"insecure":false,"insecureSkipTLSVerify":false}',
      KMM_SIGNED_TLS: '{"insecure":false,"insecureSkipTLSVerify":false}',
      KMM_INSECURE_LOGINS: 'false',
    });
  });

  it('signs the very content that was judged, by its digest', () => {
    const digest = `sha256:${'b'.repeat(64)}`;
    assert.equal(variables(job({ unsignedDigest: digest }))['KMM_UNSIGNED_IMAGE'], `r.example/kmod@${digest}`);
  });

  it('says for each registry how it is spoken to, and whether logins may travel unverified', () => {
    const sign = { ...buildRecipe().sign!, unsignedImageRegistryTLS: { ...verified, insecure: true } };
    const found = variables(job({ recipe: buildRecipe({ sign }) }));
    assert.equal(found['KMM_UNSIGNED_TLS'], '{"insecure":true,"insecureSkipTLSVerify":false}');
    assert.equal(found['KMM_INSECURE_LOGINS'], 'false');
    const { secrets } = signRequest();
    const allowing = new Map([...secrets].map(([name, facts]) => [name, { ...facts, insecureAllowed: true }]));
    assert.equal(variables(job({ secrets: allowing }))['KMM_INSECURE_LOGINS'], 'true');
  });

  it('names the file of trusted certificate authorities where they are configured', () => {
    const made = job({ settings: { ...signRequest().settings, trustedCa: 'trusted-ca' } });
    assert.equal(variables(made)['KMM_CA_FILE'], '/run/secrets/ca/ca-bundle.crt');
    assert.ok(podOf(made).volumes?.some(({ configMap }) => configMap?.name === 'trusted-ca'));
  });

  it('needs no login', () => {
    const recipe = buildRecipe();
    delete recipe.imageRepoSecret;
    assert.equal(variables(job({ recipe }))['KMM_INSECURE_LOGINS'], 'false');
    assert.doesNotMatch(JSON.stringify(job({ recipe })), /run\/secrets\/push/);
  });

  it('is refused for a key that is not for this module or this source', () => {
    for (const limit of [{ allowedModules: ['other'] }, { allowedImages: ['r.example/other'] }]) {
      const secrets = labelledSecrets().set('signing-key', secretFacts('sign', limit));
      const made = signJob(signRequest({ secrets }));
      assert.ok(made.kind === 'refused' && made.reason === 'SecretRefused');
    }
  });

  it('is not bound to the kernel’s architecture: signing runs none of it', () => {
    assert.equal(podOf(job({ moduleSelector: { gpu: 'yes' } })).nodeSelector, undefined);
  });
});
