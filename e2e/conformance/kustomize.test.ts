import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../shared/kube/object.ts';
import { deployed } from '../../shared/testing/deployed.ts';
import { hasKubectl } from './kubectl.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

describe('what kubectl apply -k applies', () => {
  before(async function () {
    if (!(await hasKubectl('shared/deploy.test.ts checks the files themselves'))) this.skip();
  });

  for (const program of ['hub', 'hub-openshift', 'spoke', 'spoke-images'] as const) {
    it(`is, of deploy/${program}, what the tests and the journeys read of it, and an image that is named`, async () => {
      const { stdout } = await run('kubectl', ['kustomize', `deploy/${program}`], { cwd: root, maxBuffer: 2 ** 24 });
      const built = parseAllDocuments(stdout).map((document) => document.toJS() as KubeObject);
      const names = (objects: readonly KubeObject[]) =>
        objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`).sort();
      const ours = deployed(program).map(({ object }) => object);
      assert.deepEqual(names(built), names(ours));
      const without = (objects: readonly KubeObject[]) => objects.filter(({ kind }) => kind !== 'Deployment');
      const byName = (a: KubeObject, b: KubeObject) =>
        `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`);
      assert.deepEqual(without(built).sort(byName), without(ours).sort(byName));
      if (program !== 'spoke-images') assert.match(stdout, /image: registry\.example\.com\/kmm\/hub-and-spoke:latest/);
    });
  }
});
