import assert from 'node:assert/strict';
import { debianKernels } from './kernels.ts';

describe('the two kernels of Debian’s', () => {
  it('are the oldest and the newest of what is here, by number, and nobody is asked', async () => {
    const kept = ['6.1.0-9-cloud-amd64', '6.1.0-47-cloud-amd64', '6.1.0-10-cloud-amd64', '6.1.0-9-cloud-amd64'];
    assert.deepEqual(await debianKernels(kept), ['6.1.0-9-cloud-amd64', '6.1.0-47-cloud-amd64']);
  });
});
