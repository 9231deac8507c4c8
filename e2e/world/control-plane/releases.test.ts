import assert from 'node:assert/strict';
import { buildArguments, goModuleOf, keyOf, kubernetesPrograms, releases } from './releases.ts';

describe('the pinned modules of the control plane', () => {
  for (const release of releases) {
    it(`replace each staging repository of ${release} by the published one of the same minor version`, () => {
      const { kubernetesVersion, sources } = goModuleOf(release);
      const goMod = sources.find(([name]) => name === 'go.mod')?.[1] ?? '';
      const replaced = [...goMod.matchAll(/^\t(k8s\.io\/\S+) => (\S+) (\S+)$/gm)];
      const staging = kubernetesVersion.replace(/^v1\./, 'v0.');
      assert.match(kubernetesVersion, new RegExp(`^v${release}\\.\\d+$`));
      assert.ok(replaced.length > 25, `${replaced.length} replacements`);
      for (const [, from, to, version] of replaced) assert.deepEqual([to, version], [from, staging]);
    });
  }

  it('build the programs of a cluster of each release, and etcd once', () => {
    assert.deepEqual(goModuleOf('1.36').programs, ['etcd', ...kubernetesPrograms]);
    assert.deepEqual(goModuleOf('1.30').programs, kubernetesPrograms);
  });

  it('make the programs say their version', () => {
    const flags = buildArguments('v1.36.3').at(-1) ?? '';
    for (const said of ['gitVersion=v1.36.3', 'gitMajor=1', 'gitMinor=36']) assert.ok(flags.includes(said), flags);
  });
});

describe('the key of the built programs', () => {
  const module = goModuleOf('1.36');

  it('is the same for the same sources, and begins with the release', () => {
    assert.equal(keyOf(module, 'linux-x64'), keyOf(goModuleOf('1.36'), 'linux-x64'));
    assert.match(keyOf(module, 'linux-x64'), /^1\.36-[0-9a-f]{16}$/);
  });

  for (const name of ['go.mod', 'go.sum', 'etcd/main.go', 'kube-apiserver/main.go']) {
    it(`is another when ${name} is another`, () => {
      assert.ok(module.sources.some(([present]) => present === name));
      const sources = module.sources.map(([each, text]) => [each, each === name ? `${text}\n` : text] as const);
      assert.notEqual(keyOf({ ...module, sources }, 'linux-x64'), keyOf(module, 'linux-x64'));
    });
  }

  it('is another on another platform', () => {
    assert.notEqual(keyOf(module, 'darwin-arm64'), keyOf(module, 'linux-x64'));
  });
});
