import assert from 'node:assert/strict';
import type { ManagedCluster, ManifestWork } from '@open-cluster-management/api-types';
import { rowsOf } from '../../hub/cli/rows.ts';
import { formatRows } from '../../hub/cli/table.ts';
import { viewCluster } from '../../hub/fleet/cluster.ts';
import { decide } from '../../hub/managed-cluster-module/decide.ts';
import { eventsOf } from '../../hub/managed-cluster-module/events.ts';
import { judge } from '../../hub/managed-cluster-module/judge.ts';
import { viewModule } from '../../hub/managed-cluster-module/module-view.ts';
import { recordOf } from '../../hub/managed-cluster-module/record-of.ts';
import { statusOf } from '../../hub/managed-cluster-module/status.ts';
import {
  answered,
  managedCluster,
  moduleSpec,
  nowText,
  picture,
  presentWork,
  revision,
} from '../../hub/testing/pictures.ts';
import { annotations } from '../../shared/kube/names.ts';
import { ourKind } from './kinds.ts';
import { hostileTexts, unprintable } from './values.ts';

const kind = ourKind('ManagedClusterModule');
const kernel = '5.14.0-1';
const module = {
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'm', uid: 'u', generation: 1 },
  spec: { selector: {}, spokeNamespace: 'kmm-spoke', moduleSpec: moduleSpec() },
};

/** The whole way of one cluster's words into the status: written, answered, judged, told. */
function tell(cluster: ManagedCluster, answer: (work: ManifestWork) => ManifestWork) {
  const { action } = decide(picture({ cluster: viewCluster(managedCluster({ kernels: [kernel] })) }));
  assert.ok(action.kind === 'write');
  const work = answer(action.work);
  const present = presentWork(work, { revision: revision() });
  const seen = picture({ cluster: viewCluster(cluster), work: present });
  const decision = decide({ ...seen, module: { ...seen.module, current: present.revision } });
  const { feedback } = present;
  const common = { work, spec: moduleSpec(), feedback, minSuccessMs: 0, deadlineMs: undefined };
  const { verdict, memory } = judge({ ...common, nowMs: Date.parse(nowText), memory: undefined });
  const later = judge({ ...common, nowMs: Date.parse(nowText) + 60_000, memory });
  const view = viewModule(module as Parameters<typeof viewModule>[0]);
  for (const each of [verdict, later.verdict]) {
    const record = recordOf({ view, picture: seen, decision, work, verdict: each, failure: undefined });
    const told = { present: {}, problems: [], hold: undefined, standing: undefined, warnings: [], nowText };
    const base = { ...told, generation: 1, revision: 'm-1', current: present.revision };
    const status = statusOf({ ...base, imageCheck: 'Required', records: record === undefined ? [] : [record] });
    assert.deepEqual(kind.statusCauses(status), []);
    assert.deepEqual(unprintable([status, eventsOf({}, status)]), []);
    const object = { ...module, status } as Parameters<typeof rowsOf>[0][number];
    assert.deepEqual(unprintable(formatRows(rowsOf([object], [work]))), []);
  }
  return later.verdict;
}

describe('a hostile text from a cluster', () => {
  for (const [what, text] of Object.entries(hostileTexts)) {
    const errors = [{ node: text, kernel: text, reason: text, message: text }].map((error) =>
      Object.fromEntries(Object.entries(error).map(([name, value]) => [name, value.slice(0, 200)])),
    );
    const report = (state: string | undefined, parts: object) => ({
      ...(state !== undefined && { state }),
      report: JSON.stringify({ v: 1, nodes: [1, 0, 1, 0], ...parts }),
    });

    it(`as feedback (${what}): is judged, told on one line, and is never success`, () => {
      const healthy = managedCluster({ kernels: [kernel] });
      const answers: ((work: ManifestWork) => ManifestWork)[] = [
        (work) => answered(work, { state: text, report: text, 'moduleLoader.availableNumber': text }),
        (work) => answered(work, report(text, { version: text.slice(0, 200), errors })),
        (work) =>
          answered(
            work,
            report(work.metadata.annotations?.[annotations.state], { errors, unmapped: [text.slice(0, 200)] }),
          ),
        (work) => {
          const kernels = Object.fromEntries([[text.slice(0, 200), [1, 0, 1, 0]]]);
          return answered(work, report(work.metadata.annotations?.[annotations.state], { kernels, errors }));
        },
        (work) => answered(work, {}, { applied: 'False', message: text }),
      ];
      for (const answer of answers) assert.notEqual(tell(healthy, answer).phase, 'Succeeded');
    });

    it(`as claim or label (${what}): no kernel, no prototype, and the others are served`, () => {
      const cluster = managedCluster({ kernels: [kernel], labels: Object.fromEntries([[text, text]]) });
      const [claim] = cluster.status?.clusterClaims ?? [];
      const clusterClaims = [
        { name: claim!.name!, value: `${claim!.value}\n${text}` },
        { name: text, value: text },
      ];
      const hostile = { ...cluster, status: { ...cluster.status, clusterClaims } };
      const view = viewCluster(hostile);
      if (text.length < 1000) assert.ok(view.inventory.kernels.includes(kernel));
      for (const each of view.inventory.kernels) assert.match(each, /^[A-Za-z0-9][A-Za-z0-9._~-]*$/);
      tell(hostile, (work) => answered(work, report(work.metadata.annotations?.[annotations.state], { errors })));
    });
  }

  it('has left every other object as it was', () => assert.deepEqual(Object.keys(Object.prototype), []));
});
