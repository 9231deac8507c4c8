import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWork } from '../../../hub/managed-cluster-module/work.ts';
import { moduleSpec, nowText, spokeNamespace } from '../../../hub/testing/pictures.ts';
import { labels } from '../../../shared/kube/names.ts';
import { controllerReference } from '../../../shared/kube/write.ts';
import { AuditTail } from './audit-tail.ts';
import { curves } from './curves.ts';
import { acrossRuns, type Figure, goalsInSeconds, isMet, memoryGoal, percentile, tableOf } from './figures.ts';
import { readOptions } from './options.ts';
import { rawWork } from './raw-loop.ts';

const figure = (more: Partial<Figure>): Figure => ({ key: 'k', name: 'what', unit: 's', measured: 2, ...more });

describe('what the bench tells', () => {
  it('meets a goal of a ratio by the ratio, of a figure by the figure, and none without a goal', () => {
    const goal = (of: 'ratio' | 'measured', most: number) => ({ goal: { of, most }, raw: 1.6 });
    assert.equal(isMet(figure(goal('ratio', 1.3))), true);
    assert.equal(isMet(figure(goal('ratio', 1.2))), false);
    assert.equal(isMet(figure(goal('measured', 1.3))), false);
    assert.equal(isMet(figure({ goal: { of: 'ratio', most: 9 } })), false);
    assert.equal(isMet(figure({})), undefined);
  });

  it('is a table with the raw loop beside each figure', () => {
    const figures = [figure({ raw: 1.6, goal: { of: 'ratio', most: 1.3 } }), figure({ unit: 'ms', measured: 123.4 })];
    assert.deepEqual(tableOf({ clusters: 9, modules: 2, figures }).split('\n').slice(2), [
      '| what | 2 s | 1.6 s | 1.25 | ≤ 1.3 × raw | yes |',
      '| what | 123 ms |  |  |  |  |',
    ]);
  });

  it('measures two goals of issue 7 by the raw loop, says their seconds, and takes the worst of several runs', () => {
    const [cpu, restart] = [goalsInSeconds.cpu(7000), goalsInSeconds.restart(3500)];
    const figures = [
      figure({ measured: 4.4, raw: 1, goal: cpu }),
      figure({ measured: 5.5, raw: 7, goal: restart }),
      figure({ measured: 5, raw: 6, goal: restart }),
    ];
    assert.deepEqual(
      tableOf({ clusters: 9, modules: 2, figures })
        .split('\n')
        .slice(2)
        .map((row) => row.split(' | ').slice(-2).join()),
      ['≤ 4.3 × raw: 6 s of issue 7,NO |', '≤ 0.8 × raw: 5 s of issue 7,yes |', '≤ 0.8 × raw: 5 s of issue 7,NO |'],
    );
    const runs = [2, 5, 3].map((measured) => [figure({ measured, raw: 1, goal: cpu })]);
    assert.equal(acrossRuns(runs)[0]?.measured, 5);
  });

  it('bounds memory as the two sizes that have a goal do, and between them', () => {
    assert.deepEqual(
      [1000, 3500, 50_000].map((works) => memoryGoal(works)?.most),
      [180, 180, 450],
    );
  });

  it('takes of several runs the ratio of all seconds, and the worst of what has a bound of its own', () => {
    const run = (measured: number, raw: number, requests: number) => [
      figure({ measured, raw, goal: { of: 'ratio', most: 1.3 } }),
      figure({ key: 'cpu', measured: raw }),
      figure({ key: 'requests', measured: requests, raw: 1, goal: { of: 'measured', most: 1.05 } }),
    ];
    const [time, cpu, requests] = acrossRuns([run(3, 4, 1), run(5, 1, 1.2), run(4, 4, 1)]);
    assert.deepEqual([time?.measured, time?.raw, cpu?.measured, requests?.measured], [4, 3, 3, 1.2]);
    assert.equal(cpu?.raw, undefined);
    assert.throws(() => acrossRuns([run(1, 1, 1), run(1, 1, 1).slice(1)]), /a run without/);
    assert.throws(() => acrossRuns([run(1, 1, 1), run(1, 1, Number.NaN)]), /a run without requests/);
  });

  it('takes the nearest rank for a percentile', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual([percentile(values, 99), percentile(values, 50), percentile([7], 99)], [99, 50, 7]);
  });

  it('is drawn as SVG: a line for the hub and one for the raw loop, a dot for each size', () => {
    const fleets = [500, 1000].map((clusters) => ({
      clusters,
      modules: 1,
      figures: [figure({ key: 'new-module', measured: clusters / 500, raw: clusters / 600 })],
    }));
    const svg = curves(fleets, 'a < machine');
    assert.equal(svg.match(/<polyline /g)?.length, 2);
    assert.equal(svg.match(/<circle /g)?.length, 4);
    assert.match(svg, /a &lt; machine/);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  });

  it('compares with a loop whose works weigh what those of the hub weigh, and are none of its own', () => {
    const of = { apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1', kind: 'ManagedClusterModule', name: 'm', uid: 'u' };
    const { metadata, ...work } = buildWork({
      module: 'm',
      spokeNamespace,
      cluster: 'c1',
      spec: moduleSpec(),
      revision: 'm-1',
      updatedAt: nowText,
    });
    const hubs = { ...work, metadata: { ...metadata, ownerReferences: [controllerReference(of)] } };
    const read = { ...hubs.metadata, uid: 'w', resourceVersion: '1', managedFields: [{ manager: 'kmm' }] };
    const raw = rawWork({ ...work, metadata: read, status: { conditions: [] } });
    assert.equal(JSON.stringify(raw).length, JSON.stringify(hubs).length + 'raw-'.length);
    assert.equal(raw.metadata.labels?.[labels.managedClusterModule], undefined);
  });

  it('refuses options that it does not know, by name', () => {
    assert.throws(() => readOptions(['--only', 'all']), /--only: expected one of new-image/);
    assert.throws(() => readOptions(['--clusters', 'many']), /--clusters: expected a whole number/);
    assert.deepEqual(readOptions(['--curve', '500,1000']).sizes, [500, 1000]);
  });
});

describe('the tail of an audit log', () => {
  it('has each request once, also when a line is written in two pieces', () => {
    const folder = mkdtempSync(join(tmpdir(), 'audit-'));
    const path = join(folder, 'log');
    const line = (name: string, username: string) =>
      `${JSON.stringify({
        verb: 'update',
        user: { username },
        objectRef: { resource: 'works', subresource: 'status', name },
        responseStatus: { code: 200 },
        requestReceivedTimestamp: '2026-01-01T00:00:00.100000Z',
        stageTimestamp: '2026-01-01T00:00:00.250000Z',
      })}\n`;
    try {
      writeFileSync(path, line('before', 'hub'));
      const tail = new AuditTail(path, (user) => user === 'hub');
      const [first, second] = [line('äöü', 'hub').slice(0, 60), line('äöü', 'hub').slice(60)];
      appendFileSync(path, line('a', 'hub') + line('b', 'other') + first);
      assert.deepEqual(
        tail.since(0).map(({ name }) => name),
        ['a'],
      );
      appendFileSync(path, second);
      const [asked, ...more] = tail.since(1);
      assert.deepEqual(more, []);
      assert.equal(asked?.resource, 'works/status');
      assert.deepEqual([asked?.name, (asked?.answeredMs ?? 0) - (asked?.receivedMs ?? 0)], ['äöü', 150]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
