import assert from 'node:assert/strict';
import type { ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { rowsOf } from '../../hub/cli/rows.ts';
import { summaryOf } from '../../hub/cli/summary.ts';
import { formatRows } from '../../hub/cli/table.ts';
import { decide } from '../../hub/managed-cluster-module/decide.ts';
import { eventsOf } from '../../hub/managed-cluster-module/events.ts';
import { viewModule } from '../../hub/managed-cluster-module/module-view.ts';
import { recordOf } from '../../hub/managed-cluster-module/record-of.ts';
import { revisionOf } from '../../hub/managed-cluster-module/revision.ts';
import { statusOf } from '../../hub/managed-cluster-module/status.ts';
import { cluster, images, nowText, picture } from '../../hub/testing/pictures.ts';
import { parseReference } from '../../shared/registry/reference.ts';
import { metadataCauses } from '../world/api-server/validation/metadata.ts';
import { unprintable } from './values.ts';

/** What the hub makes of an object that got in, for one cluster with two kernels. Throws when any of it is not as it must be. */
export function lookOnHub(module: ManagedClusterModule): {
  object: ManagedClusterModule;
  work: ManifestWork | undefined;
} {
  const view = viewModule(module);
  const { name, spokeNamespace, wanted } = view;
  const current = wanted && revisionOf('simple-1', wanted.moduleSpec, { name, namespace: spokeNamespace });
  const found = images();
  const seen = picture({
    cluster: cluster({ kernels: ['5.14.0-427.13.1.el9_4.x86_64', '6.1.0-1'] }),
    module: {
      name,
      spokeNamespace,
      current,
      hold: view.hold,
      images: {
        ...found,
        imageCheck: view.imageCheck,
        // As the look-up of images answers: a name that is none is not asked for.
        stateOf(revision, request) {
          const parsed = parseReference(request.image);
          if (parsed.kind === 'reference') return found.stateOf(revision, request);
          return { state: 'Unknown', reason: 'InvalidImage', message: parsed.message };
        },
      },
    },
  });
  const decision = decide(seen);
  const work = decision.action.kind === 'write' ? decision.action.work : undefined;
  const record = recordOf({ view, picture: seen, decision, work: undefined, verdict: undefined, failure: undefined });
  const status = statusOf({
    generation: view.generation,
    present: {},
    problems: view.problems,
    hold: view.hold,
    standing: undefined,
    revision: current?.name,
    current,
    imageCheck: view.imageCheck,
    warnings: [],
    records: record === undefined ? [] : [record],
    nowText,
  });
  const object = { ...module, status };
  assertTold(object, work);
  if (work !== undefined) assertShipped(work, name);
  return { object, work };
}

/** Status, events and what the command line prints. */
function assertTold(object: ManagedClusterModule, work: ManifestWork | undefined): void {
  const status = object.status ?? {};
  assert.deepEqual(unprintable(status), []);
  for (const { note, reason } of eventsOf({}, status)) assert.deepEqual(unprintable([note, reason]), []);
  const printed = [...formatRows(rowsOf([object], work === undefined ? [] : [work])), ...summaryOf(object)];
  assert.deepEqual(unprintable(printed), []);
}

function assertShipped(work: ManifestWork, module: string): void {
  const [manifest] = work.spec.workload?.manifests ?? [];
  assert.equal(work.metadata.name, module);
  const metadata = manifest?.['metadata'];
  for (const object of [work, { kind: 'Module', metadata }]) {
    assert.deepEqual(metadataCauses(object as Parameters<typeof metadataCauses>[0], undefined), []);
  }
}
