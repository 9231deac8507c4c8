import assert from 'node:assert/strict';
import { digest, images, revision } from '../testing/pictures.ts';
import { planKernel } from './kernel-plan.ts';

describe('the plan for a kernel', () => {
  it('is one object for all clusters of which the same is to be said', () => {
    const current = revision();
    const image = 'quay.io/org/a:5.14.0-1';
    const [plan, again] = [1, 2].map(() => planKernel(current, '5.14.0-1', images()));
    assert.equal(plan, again);
    const ahead = planKernel(current, '5.14.0-1', images(), { upcoming: true });
    assert.deepEqual(ahead, { ...plan, upcoming: true });
    assert.equal(planKernel(current, '5.14.0-1', images(), { upcoming: true }), ahead);
    const moved = planKernel(current, '5.14.0-1', images({ [image]: { state: 'Verified', digest: digest('other') } }));
    assert.deepEqual([moved.image, moved.digest], [image, digest('other')]);
    assert.equal(planKernel(current, '5.14.0-1', images({ [image]: { state: 'Checking' } })).state, 'Checking');
    assert.equal(planKernel(current, '5.14.0-1', images()), plan);
    assert.equal(planKernel(current, '5.14.0-1', { ...images(), imageCheck: 'Skip' }).state, 'Unchecked');
    assert.notEqual(planKernel(revision('m-2'), '5.14.0-1', images()).revision, plan?.revision);
  });
});
