import assert from 'node:assert/strict';
import { isBuildEnough, type OpenShiftBuild, type OpenShiftBuildRequest, openShiftBuild } from './openshift-build.ts';
import { buildRecipe, openShiftRequest, verified } from './testing/requests.ts';

function build(overrides: Partial<OpenShiftBuildRequest> = {}): OpenShiftBuild {
  const made = openShiftBuild(openShiftRequest(overrides));
  assert.ok(made.kind === 'object', JSON.stringify(made));
  return made.object;
}

describe('the OpenShift Build', () => {
  it('has the Dockerfile inline, arguments, Secrets, logins, CA and nodes [63] [65] [74]', () => {
    const { apiVersion, kind, metadata, spec } = build();
    assert.deepEqual([apiVersion, kind], ['build.openshift.io/v1', 'Build']);
    assert.match(metadata.name, /^driver-build-[0-9a-f]{8}$/);
    assert.equal(metadata.labels?.['kmm.openshift.io/build.type'], 'build');
    const volume = (name: string, secretName: string) => ({
      name,
      source: { type: 'Secret', secret: { secretName, optional: false } },
      mounts: [{ destinationPath: `/run/secrets/${secretName}` }],
    });
    const [first, second] = spec.strategy.dockerStrategy.volumes ?? [];
    assert.deepEqual(first, volume('secret-token', 'token'));
    // A name with a dot is no volume's.
    assert.match(second?.name ?? '', /^secret-[0-9a-f]{16}$/);
    assert.deepEqual(
      { ...spec, strategy: undefined },
      {
        serviceAccount: 'builder',
        source: { type: 'Dockerfile', dockerfile: 'ARG DTK_AUTO\nFROM $DTK_AUTO as builder\n' },
        strategy: undefined,
        output: {
          to: { kind: 'DockerImage', name: 'r.example/kmod:6.1.0-openshift-kmm-hub_driver_kmm_unsigned' },
          pushSecret: { name: 'registry' },
        },
        nodeSelector: { 'kubernetes.io/arch': 'amd64' },
        mountTrustedCA: true,
        completionDeadlineSeconds: 3600,
      },
    );
    assert.deepEqual(spec.strategy, {
      type: 'Docker',
      dockerStrategy: {
        buildArgs: [
          { name: 'KERNEL_VERSION', value: '6.1.0-13.el9.x86_64' },
          { name: 'DTK_AUTO', value: 'r.example/toolkit:1' },
        ],
        volumes: [first, volume(second?.name ?? '', 'pull.cache')],
        pullSecret: { name: 'registry' },
      },
    });
  });

  it('leaves out what there is none of', () => {
    const recipe = buildRecipe({ build: { ...buildRecipe().build!, secrets: [] } });
    delete recipe.imageRepoSecret;
    delete recipe.architecture;
    const { spec } = build({ recipe });
    assert.deepEqual(Object.keys(spec.strategy.dockerStrategy), ['buildArgs']);
    assert.deepEqual(Object.keys(spec.output), ['to']);
    assert.equal('nodeSelector' in spec, false);
  });

  it('shortens a volume’s name that no volume may have', () => {
    const secret = 's'.repeat(57);
    const recipe = (name: string) => buildRecipe({ build: { ...buildRecipe().build!, secrets: [name] } });
    const nameOf = (name: string) => {
      const secrets = new Map([...openShiftRequest().secrets, [name, { ...openShiftRequest().secrets.get('token')! }]]);
      return build({ recipe: recipe(name), secrets }).spec.strategy.dockerStrategy.volumes?.[0]?.name ?? '';
    };
    assert.match(nameOf(secret), /^secret-[0-9a-f]{16}$/);
    assert.equal(nameOf(secret.slice(1)), `secret-${secret.slice(1)}`);
  });

  it('is refused when its Dockerfile needs a toolkit that is not known, unless the user names one [67]', () => {
    const toolkit = { kind: 'unknown', message: 'no toolkit' } as const;
    const refused = openShiftBuild(openShiftRequest({ toolkit }));
    assert.deepEqual(refused, { kind: 'refused', reason: 'ToolkitUnknown', message: 'no toolkit' });
    assert.equal(build({ toolkit, dockerfile: 'FROM gcc:14' }).kind, 'Build');
    const args = [{ name: 'DTK_AUTO', value: 'mine' }];
    const recipe = buildRecipe({ build: { ...buildRecipe().build!, args } });
    assert.deepEqual(build({ toolkit, recipe }).spec.strategy.dockerStrategy.buildArgs, args);
  });

  it('mounts no signing key', () => {
    const recipe = buildRecipe({ build: { ...buildRecipe().build!, secrets: ['signing-key'] } });
    const made = openShiftBuild(openShiftRequest({ recipe }));
    assert.ok(made.kind === 'refused' && made.reason === 'SecretRefused');
  });

  for (const [what, base, image, enough] of [
    ['no options', verified, verified, true],
    ['base images in clear', { ...verified, insecure: true }, verified, false],
    ['base images unverified', { ...verified, insecureSkipTLSVerify: true }, verified, false],
    ['a push in clear', verified, { ...verified, insecure: true }, false],
    ['an unverified push', verified, { ...verified, insecureSkipTLSVerify: true }, false],
  ] as const) {
    it(`is ${enough ? '' : 'not '}enough with ${what}: a Job honours what a Build cannot say [70] [207]`, () => {
      const recipe = buildRecipe({
        registryTLS: image,
        build: { ...buildRecipe().build!, baseImageRegistryTLS: base },
      });
      assert.equal(isBuildEnough(recipe), enough);
    });
  }
});
