import assert from 'node:assert/strict';
import type { ImageRequest } from '../../shared/images/checks.ts';
import { type Checks, Demand, type WantedImage } from './demand.ts';

class RecordedChecks implements Checks {
  wanted = new Map<string, readonly ImageRequest[]>();
  calls = 0;
  warning: string[] = [];
  want(by: string, requests: readonly ImageRequest[]): void {
    this.calls += 1;
    this.wanted.set(by, requests);
  }
  forget(by: string): void {
    this.wanted.delete(by);
  }
  warnings(): string[] {
    return this.warning;
  }
}

const image = (name: string, revision = 'm-1'): WantedImage => ({
  revision,
  request: { image: name, tls: { insecure: false, insecureSkipTLSVerify: false } },
  generation: undefined,
});

describe('the demand for images', () => {
  it('asks for an image once, whatever the number of clusters, and wakes exactly those that wait for it', () => {
    const checks = new RecordedChecks();
    const demand = new Demand(checks);
    for (let cluster = 0; cluster < 100; cluster++) demand.set(`m/c${cluster}`, [image('a')]);
    demand.set('m/other', [image('b')]);
    assert.equal(checks.calls, 2);
    const [token] = [...checks.wanted].find(([, [request]]) => request?.image === 'a') ?? [''];
    assert.equal(demand.waitingFor([token]).length, 100);
    assert.ok(!demand.waitingFor([token]).includes('m/other'));
  });

  it('ends with the last cluster that waits, and tells versions apart', () => {
    const checks = new RecordedChecks();
    const demand = new Demand(checks);
    demand.set('m/c1', [image('a'), image('a', 'm-2')]);
    demand.set('m/c2', [image('a')]);
    assert.equal(checks.wanted.size, 2);
    demand.set('m/c1', []);
    assert.equal(checks.wanted.size, 1);
    demand.forget('m');
    assert.equal(checks.wanted.size, 0);
  });

  it('keeps the warnings of a version after its images are verified', () => {
    const checks = new RecordedChecks();
    const demand = new Demand(checks);
    demand.set('m/c1', [image('a')]);
    checks.warning = ['Secret hub/pull has no label'];
    const tokens = [...checks.wanted.keys()];
    demand.waitingFor(tokens);
    demand.set('m/c1', []);
    assert.deepEqual(demand.warnings('m', 'm-1'), ['Secret hub/pull has no label']);
    checks.warning = [];
    demand.waitingFor(tokens);
    assert.deepEqual(
      demand.warnings('m', 'm-1'),
      ['Secret hub/pull has no label'],
      'also after a word that comes late',
    );
    assert.deepEqual(demand.warnings('m', 'm-2'), [], 'another version may name another Secret');
    assert.deepEqual(demand.warnings('other', 'm-1'), []);
  });
});
