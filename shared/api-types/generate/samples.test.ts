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
      const is = sample as { apiVersion: string; kind: string };
      // Of the kinds of others there are no schemas here; the journeys look at what they say.
      if (/^v1$|openshift/.test(is.apiVersion)) return;
      const kind = ourKinds.find(({ resource }) => resource.kind === is.kind);
      assert.ok(kind, `expected one of our kinds in ${name}`);
      const schema = structuralSchema(kind.schema);
      assert.deepEqual(schemaChecker(schema)(sample), []);
      assert.deepEqual(brokenRules(schema, sample), []);
      assert.deepEqual(kind.schema.parse(sample), sample);
    });
  }
});
