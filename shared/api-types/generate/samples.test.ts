import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { brokenRules, schemaChecker } from './check-object.ts';
import { ourKinds } from './kinds.ts';
import { structuralSchema } from './structural.ts';

const folder = new URL('../../../deploy/samples/', import.meta.url);

describe('deploy/samples', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
    it(`${name} is valid, and nothing in it is unknown`, () => {
      const sample: unknown = parse(readFileSync(new URL(name, folder), 'utf8'));
      // Of Kubernetes' own kinds there are no schemas here; shared/build/samples.test.ts looks at what they say.
      if ((sample as { kind: string }).kind === 'ConfigMap') return;
      const kind = ourKinds.find(({ resource }) => resource.kind === (sample as { kind: string }).kind);
      assert.ok(kind, `expected one of our kinds in ${name}`);
      const schema = structuralSchema(kind.schema);
      assert.deepEqual(schemaChecker(schema)(sample), []);
      assert.deepEqual(brokenRules(schema, sample), []);
      assert.deepEqual(kind.schema.parse(sample), sample);
    });
  }
});
