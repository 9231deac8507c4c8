import assert from 'node:assert/strict';
import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { moduleSpec, picture, presentWork, spokeNamespace } from '../testing/pictures.ts';
import { decide } from './decide.ts';
import { viewModule } from './module-view.ts';
import type { PresentWork } from './picture.ts';
import { recordOf } from './record-of.ts';

const view = viewModule({
  metadata: { name: 'm', generation: 1, uid: 'u' },
  spec: { selector: {}, spokeNamespace, moduleSpec: moduleSpec() },
} as ManagedClusterModule);

describe('what is recorded of a cluster', () => {
  it('says of an upcoming kernel that it is prepared by a work of the hub, not by one of somebody else', () => {
    const kernel = '5.14.0-1';
    const { action } = decide(picture());
    assert.ok(action.kind === 'write');
    const reasonOf = (ownership: PresentWork['ownership']) => {
      const { work } = action;
      const seen = picture({ upcoming: [kernel], work: presentWork(work, { ownership }) });
      const look = { view, picture: seen, decision: decide(seen), work, verdict: undefined, failure: undefined };
      return recordOf(look)?.upcoming.map(({ problem }) => problem?.reason);
    };
    assert.deepEqual([reasonOf('ours'), reasonOf('foreign')], [[undefined], ['ForeignWork']]);
  });
});
