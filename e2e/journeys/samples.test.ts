import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { managedClusterModules, modules } from '@open-cluster-management/api-types';
import { parse } from 'yaml';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import type { KubeObject, Resource } from '../../shared/kube/object.ts';
import { configMaps } from '../../shared/kube/resources.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { type Plane, startPlane } from '../world/fleet/plane.ts';

const folder = new URL('../../deploy/samples/', import.meta.url);
const kinds = [managedClusterModules, modules, configMaps] as unknown as Resource<KubeObject>[];

describe('the samples', () => {
  let plane: Plane;
  before(async () => {
    const runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
    plane = await startPlane({ name: 'hub', runtime, role: 'hub' });
    for (const name of ['kernel-modules', 'openshift-kmm-hub']) await plane.createNamespace(name);
  });
  after(() => plane?.stop());

  for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
    it(`${name} is taken by an API server as it stands`, async () => {
      const sample = parse(readFileSync(new URL(name, folder), 'utf8')) as KubeObject;
      const kind = kinds.find((each) => each.kind === sample.kind);
      assert.ok(kind, `expected a kind that samples have, got ${sample.kind}`);
      await plane.client.create(kind, sample);
      const { name: named, namespace } = sample.metadata;
      const kept = await plane.client.get(kind, { name: named, namespace });
      // Beside what it says there are only defaults: nothing of it was dropped.
      assert.partialDeepStrictEqual(kept, sample);
    });
  }
});
