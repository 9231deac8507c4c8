import assert from 'node:assert/strict';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { programConfigSchema } from './config.ts';
import { readConfigLeniently } from './lenient-config.ts';

const read = (text: string) => readConfigLeniently(programConfigSchema, text);
const defaults = programConfigSchema.parse({});

describe('a configuration that must not keep a program from running', () => {
  for (const text of ['', '# nothing', '{}'])
    it(`has no problem when it says ${JSON.stringify(text)} [195]`, () =>
      assert.deepEqual(read(text), { config: defaults, problems: [], said: {} }));

  for (const text of ['a: [', '- 1', 'just text', '7', 'logLevel: debug\nlogLevel: info'])
    it(`is all defaults, in one problem, when it says ${JSON.stringify(text)} [195]`, () => {
      const { config, problems } = read(text);
      assert.deepEqual(config, defaults);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', /all defaults hold$/);
    });

  const table: [string, object, (string | RegExp)[]][] = [
    ['logLevel: debug\ntypo: 1', { logLevel: 'debug' }, [/"typo".*it is ignored$/]],
    [
      'metrics: { bindAddress: nonsense, secureServing: 1 }\nleaderElection: { enabled: false }',
      { leaderElection: { ...defaults.leaderElection, enabled: false } },
      [/^metrics\.bindAddress: .*the default of metrics\.bindAddress holds$/, /^metrics\.secureServing: .*holds$/],
    ],
    // The check is across keys: only the durations go back, not what stands beside them.
    [
      'leaderElection: { leaseDuration: 1s, resourceID: mine, enabled: false }',
      { leaderElection: { ...defaults.leaderElection, resourceID: 'mine', enabled: false } },
      [/^leaderElection: expected leaseDuration > .*the default of leaderElection\.leaseDuration, /],
    ],
    // Never laxer than what was meant: the tokens of scrapers stay covered.
    [
      'metrics: { bindAddress: ":8080", secureServing: false }',
      { metrics: { ...defaults.metrics, bindAddress: { host: undefined, port: 8080 } } },
      [/^metrics: secureServing: false .*the default of metrics\.secureServing holds$/],
    ],
    ['metrics: 7', {}, [/^metrics: .*the default of metrics holds$/]],
  ];
  for (const [text, expected, problems] of table)
    it(`keeps what is right of ${JSON.stringify(text)} [195]`, () => {
      const answer = read(text);
      assert.deepEqual(answer.config, { ...defaults, ...expected });
      assert.equal(answer.problems.length, problems.length, answer.problems.join('\n'));
      for (const [index, pattern] of problems.entries())
        assert.match(answer.problems[index] ?? '', new RegExp(pattern));
    });

  it('can be anything at all [195]', () => {
    const key = fc.constantFrom('metrics', 'leaderElection', 'logLevel', 'job', 'x', 'bindAddress', 'leaseDuration');
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 3 }, fc.jsonValue(), fc.dictionary(key, tie('any')), fc.constant('5s')),
    })).any;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          value.map((each) => stringify(each)),
        ),
        (text) => {
          const { config } = read(text);
          assert.ok(config.leaderElection.leaseDuration > config.leaderElection.renewDeadline);
        },
      ),
      { numRuns: 300 },
    );
  });
});
