import assert from 'node:assert/strict';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { moduleSpec, variable } from '../testing/pictures.ts';
import { RevisionViews } from './revision.ts';

const kernelMappings = [{ regexp: '.', containerImage: `q.io/${variable('MOD_NAMESPACE')}/a:1` }];
const spec = moduleSpec({ moduleLoader: { container: { modprobe: { moduleName: 'a' }, kernelMappings } } });
const object: ControllerRevision = {
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name: 'm-1', namespace: 'hub' },
  data: { moduleSpec: spec },
  revision: 1,
};

describe('the view of a version', () => {
  const views = new RevisionViews();
  const imageFor = (spokeNamespace: string) => {
    const answer = views.of(object, { name: 'm', spokeNamespace })?.resolve('6.1.0-1');
    return answer?.kind === 'match' ? answer.mapping.containerImage : answer;
  };

  it('is made once for all clusters', () => {
    const module = { name: 'm', spokeNamespace: 'one' };
    assert.equal(views.of(object, module), views.of(object, module));
  });

  it('is of the present spokeNamespace: an object made anew may find the version of its namesake [T5]', () => {
    assert.equal(imageFor('one'), 'q.io/one/a:1');
    assert.equal(imageFor('two'), 'q.io/two/a:1');
  });
});
