import assert from 'node:assert/strict';
import fc from 'fast-check';
import { intakeLimits, KernelIntake } from './kernel-intake.ts';

const { newKernelsMax, windowMs } = intakeLimits;
const kernels = (from: number, count: number) => Array.from({ length: count }, (_, index) => `6.1.${from + index}`);

describe('the intake of kernels', () => {
  it('takes a full first claim, and then no new kernel of that cluster for an hour', () => {
    const intake = new KernelIntake();
    assert.deepEqual(intake.take('c1', kernels(0, newKernelsMax), 0), { deferred: [], retryMs: undefined });
    const more = [...kernels(0, newKernelsMax), '7.0.0'];
    assert.deepEqual(intake.take('c1', more, 1000), { deferred: ['7.0.0'], retryMs: windowMs - 1000 });
    assert.deepEqual(intake.take('c1', more, windowMs).deferred, []);
    assert.deepEqual(intake.take('c2', ['7.0.0'], 1000).deferred, [], 'another cluster');
  });

  it('does not count a kernel twice that comes and goes', () => {
    const intake = new KernelIntake();
    for (let nowMs = 0; nowMs < 1000; nowMs++) {
      assert.deepEqual(intake.take('c1', [nowMs % 2 === 0 ? 'a' : 'b'], nowMs).deferred, []);
    }
  });

  it('lets in no more than its bound within any hour, whatever a cluster claims', () => {
    const claims = fc.array(fc.tuple(fc.nat(400), fc.nat(80), fc.nat(windowMs / 4)), { maxLength: 30 });
    fc.assert(
      fc.property(claims, (walk) => {
        const intake = new KernelIntake();
        const takenAt: number[] = [];
        const seen = new Set<string>();
        let nowMs = 0;
        for (const [from, count, laterMs] of walk) {
          nowMs += laterMs;
          const claimed = kernels(from, count);
          const deferred = new Set(intake.take('c1', claimed, nowMs).deferred);
          for (const kernel of claimed) {
            if (deferred.has(kernel) || seen.has(kernel)) continue;
            seen.add(kernel);
            takenAt.push(nowMs);
          }
        }
        for (const endMs of takenAt) {
          const within = takenAt.filter((at) => at <= endMs && endMs - at < windowMs);
          assert.ok(within.length <= newKernelsMax);
        }
      }),
    );
  });
});
