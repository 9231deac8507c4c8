import assert from 'node:assert/strict';
import type { ModuleSpec } from '@open-cluster-management/api-types';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { moduleSpec } from '../testing/pictures.ts';
import { decideRevisions, moduleSpecOf, revisionName } from './revisions.ts';

const version = (number: number): ModuleSpec => moduleSpec({ imageRebuildTriggerGeneration: number });

function decideFor(moduleSpecWanted: ModuleSpec, present: readonly ControllerRevision[], used: readonly string[] = []) {
  const isUsed = (name: string) => used.includes(name);
  return decideRevisions({ module: 'm', namespace: 'hub', moduleSpec: moduleSpecWanted, present, isUsed });
}

/** The versions that are there after the specs were wanted one after another. */
function history(specs: readonly ModuleSpec[], used: readonly string[] = []): ControllerRevision[] {
  let present: ControllerRevision[] = [];
  for (const spec of specs) {
    const { wanted, remove } = decideFor(spec, present, used);
    present = [...present.filter(({ metadata }) => metadata.name !== wanted.metadata.name), wanted];
    present = present.filter((object) => !remove.includes(object));
  }
  return present;
}

describe('the versions of a module', () => {
  it('are kept whole, in the namespace of the hub, under a name that only the spec decides', () => {
    const [object] = history([version(1)]);
    assert.equal(object?.metadata.name, revisionName('m', version(1)));
    assert.equal(object?.metadata.namespace, 'hub');
    assert.deepEqual(object?.metadata.labels, { 'kmm.node.kubernetes.io/managedclustermodule.name': 'm' });
    assert.deepEqual(moduleSpecOf(object!), version(1));
    const reordered = Object.fromEntries(Object.entries(version(1)).reverse()) as ModuleSpec;
    assert.equal(revisionName('m', reordered), object?.metadata.name);
  });

  it('are numbered; looking again changes nothing, and going back gives the newest number', () => {
    const present = history([version(1), version(2)]);
    assert.deepEqual(decideFor(version(2), present).wanted, present[1]);
    const back = decideFor(version(1), present);
    assert.equal(back.wanted.revision, 3);
    assert.deepEqual(back.remove, []);
  });

  it('are the last ten, and every one that a work still names', () => {
    const specs = Array.from({ length: 14 }, (_, index) => version(index));
    const kept = history(specs).map(({ metadata }) => metadata.name);
    assert.deepEqual(
      kept,
      specs.slice(4).map((spec) => revisionName('m', spec)),
    );
    const used = revisionName('m', version(0));
    assert.ok(history(specs, [used]).some(({ metadata }) => metadata.name === used));
    assert.equal(history(specs, [used]).length, 11);
  });

  it('have names that an object may have, also for the longest name of a module', () => {
    assert.ok(revisionName('x'.repeat(253), version(1)).length <= 253);
  });
});
