import assert from 'node:assert/strict';
import type { ManagedClusterModule, ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import { labels } from '../../shared/kube/names.ts';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { moduleSpec } from '../testing/pictures.ts';
import { SigningKeys } from './signing-keys.ts';

const sign = (key: string) => ({ keySecret: { name: key }, certSecret: { name: 'cert' }, filesToSign: ['/opt/a.ko'] });

function signedWith(key: string): ModuleSpec {
  const spec = moduleSpec();
  const container = spec.moduleLoader?.container;
  assert.ok(container);
  return { ...spec, moduleLoader: { ...spec.moduleLoader, container: { ...container, sign: sign(key) } } };
}

function revision(name: string, key: string): ControllerRevision {
  const metadata = { name, namespace: 'kmm', labels: { [labels.managedClusterModule]: 'm' } };
  const data = { moduleSpec: signedWith(key) };
  return { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, data, revision: 1 };
}

function keys(used: readonly string[]): SigningKeys {
  const module = { metadata: { name: 'm' }, spec: { moduleSpec: signedWith('present') } } as ManagedClusterModule;
  return new SigningKeys({
    modules: { list: () => [module] },
    revisions: { list: () => [revision('m-1', 'shipped'), revision('m-2', 'former')] },
    works: { byIndex: (index, value) => (index === 'revision' && used.includes(value) ? [{} as ManifestWork] : []) },
  });
}

describe('the keys that modules sign with', () => {
  it('are those of present specs, whatever any cluster has', () => {
    assert.equal(keys([]).signerWith('present'), 'm');
    assert.equal(keys([]).signerWith('cert'), undefined);
  });

  it('are also those of versions that a cluster still has, and of no others', () => {
    const names = ['shipped', 'former'];
    assert.deepEqual(
      names.filter((name) => keys(['m/m-1']).signerWith(name) === 'm'),
      ['shipped'],
    );
    assert.deepEqual(
      names.filter((name) => keys(['other/m-1']).signerWith(name) !== undefined),
      [],
    );
  });
});
