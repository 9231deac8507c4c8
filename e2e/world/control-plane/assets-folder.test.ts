import assert from 'node:assert/strict';
import { assetsFolder, goMessage, missingMessage } from './assets-folder.ts';

const base = { home: '/home/ada', release: '1.36', key: '1.36-abc' } as const;

describe('the folder of the binaries', () => {
  for (const { title, environment, expected } of [
    {
      title: 'the cache of the home folder',
      environment: {},
      expected: '/home/ada/.cache/kmm-hub/control-plane/1.36-abc',
    },
    {
      title: 'the cache folder that the machine names',
      environment: { XDG_CACHE_HOME: '/var/cache' },
      expected: '/var/cache/kmm-hub/control-plane/1.36-abc',
    },
    {
      title: 'the cache where a variable is set but empty',
      environment: { XDG_CACHE_HOME: '', KUBEBUILDER_ASSETS: '' },
      expected: '/home/ada/.cache/kmm-hub/control-plane/1.36-abc',
    },
    { title: 'what KUBEBUILDER_ASSETS names', environment: { KUBEBUILDER_ASSETS: '/k' }, expected: '/k' },
    {
      title: 'what KMM_CONTROL_PLANE_ASSETS names, before all others',
      environment: { KMM_CONTROL_PLANE_ASSETS: '/ours', KUBEBUILDER_ASSETS: '/k', XDG_CACHE_HOME: '/var/cache' },
      expected: '/ours',
    },
  ]) {
    it(`is ${title}`, () => {
      assert.equal(assetsFolder({ ...base, environment }).folder, expected);
    });
  }

  it('is a folder in the named one for an older release', () => {
    const environment = { KMM_CONTROL_PLANE_ASSETS: '/ours' };
    assert.equal(assetsFolder({ ...base, release: '1.30', environment }).folder, '/ours/1.30');
  });
});

describe('what is said when binaries cannot be had', () => {
  it('names the variable, what is expected and what is there', () => {
    const options = { from: 'KUBEBUILDER_ASSETS', folder: '/k', expected: ['etcd', 'kube-scheduler'] as const };
    const message = missingMessage({ ...options, got: ['kubectl', 'etcd'] });
    for (const part of ['KUBEBUILDER_ASSETS', 'expected etcd, kube-scheduler in /k', 'got etcd, kubectl']) {
      assert.ok(message.includes(part), message);
    }
    assert.match(missingMessage({ ...options, got: undefined }), /got no such folder/);
    assert.match(missingMessage({ ...options, got: [] }), /got an empty folder/);
  });

  it('names both ways out when there is no Go, or one too old', () => {
    for (const [got, said] of [
      [undefined, 'got no "go" on the PATH'],
      ['1.21.3', 'got 1.21.3'],
    ] as const) {
      const message = goMessage({ needed: '1.26.0', got, folder: '/c' });
      for (const part of ['expected Go 1.26.0 or newer', said, 'install Go 1.26.0', 'KMM_CONTROL_PLANE_ASSETS']) {
        assert.ok(message.includes(part), message);
      }
    }
  });
});
