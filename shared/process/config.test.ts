import assert from 'node:assert/strict';
import { z } from 'zod';
import { parseBindAddress } from './bind-address.ts';
import {
  durationMsSchema,
  programConfigSchema,
  programEnvironmentSchema,
  readSettings,
  SettingsError,
} from './config.ts';

const environment = { OPERATOR_NAMESPACE: 'kmm' };
const read = (text: string | undefined, environmentGiven: Record<string, string | undefined> = environment) =>
  readSettings({
    configSchema: programConfigSchema.extend({ worker: z.strictObject({ runAsUser: z.int() }).optional() }),
    environmentSchema: programEnvironmentSchema.extend({ RELATED_IMAGE_WORKER: z.string().optional() }),
    config: text === undefined ? undefined : { text, place: 'config.yaml' },
    environment: environmentGiven,
  });

describe('the configuration', () => {
  for (const text of [undefined, '', '# nothing\n', '{}']) {
    it(`is all defaults when it says ${JSON.stringify(text)}`, () => {
      assert.deepEqual(read(text).config, {
        healthProbeBindAddress: { host: undefined, port: 8081 },
        metrics: {
          bindAddress: { host: '0.0.0.0', port: 8443 },
          secureServing: true,
          enableAuthnAuthz: true,
          disableHTTP2: true,
        },
        leaderElection: { enabled: true, leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000 },
        logLevel: 'info',
      });
    });
  }

  it('takes what is set, also the keys of one program', () => {
    const { config } = read(
      'metrics:\n  bindAddress: "0"\nleaderElection:\n  resourceID: mine\nworker:\n  runAsUser: 5\n',
    );
    assert.equal(config.metrics.bindAddress, undefined);
    assert.equal(config.leaderElection.resourceID, 'mine');
    assert.equal(config.worker?.runAsUser, 5);
  });

  it('refuses a retryPeriod that would be a loop of requests', () => {
    assert.throws(() => read('leaderElection: { retryPeriod: 1ms }'), /expected a retryPeriod of at least 100ms/);
  });

  it('names everything that is wrong at once, in file and environment', () => {
    const text = [
      'healthProbeBindAddress: nonsense',
      'leaderElection: { retryPeriod: 20s }',
      'logLevel: loud',
      'typo: 1',
      'metrics: { secureServing: false }',
    ].join('\n');
    assert.throws(
      () => read(text, { OPERATOR_NAMESPACE: '' }),
      (error) => {
        assert.ok(error instanceof SettingsError);
        const expected = [
          /^config.yaml: healthProbeBindAddress: expected host:port/,
          /^config.yaml: metrics: secureServing: false would let scrapers' tokens travel in clear/,
          /^config.yaml: leaderElection: expected leaseDuration > renewDeadline > retryPeriod/,
          /^config.yaml: logLevel: /,
          /^config.yaml: .*typo/,
          /^environment: OPERATOR_NAMESPACE: expected the namespace that we run in/,
        ];
        for (const pattern of expected)
          assert.ok(
            error.problems.some((line) => pattern.test(line)),
            String(pattern),
          );
        assert.equal(error.problems.length, expected.length);
        return true;
      },
    );
  });

  it('is refused in one line when it is no YAML, or not a mapping', () => {
    for (const text of ['a: [', '- 1', 'just text']) {
      assert.throws(
        () => read(text),
        (error) => error instanceof SettingsError && error.problems.length === 1,
      );
    }
  });
});

describe('a duration', () => {
  for (const [text, ms] of [
    ['15s', 15_000],
    ['1h30m', 5_400_000],
    ['0s', 0],
    ['0', 0],
    ['2.5s', 2500],
    ['100ms', 100],
  ] as const) {
    it(`${text} is ${ms} ms`, () => assert.equal(durationMsSchema.parse(text), ms));
  }
  for (const text of ['', '15', 's', '1d', '-5s', '1h 5m']) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(durationMsSchema.safeParse(text).success, false));
  }
});

describe('a bind address', () => {
  const table = [
    [':8081', { host: undefined, port: 8081 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:9', { host: '::1', port: 9 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['0', undefined],
  ] as const;
  for (const [text, expected] of table) {
    it(`${text} is understood`, () => assert.deepEqual(parseBindAddress(text), expected));
  }
  for (const text of ['', '8081', 'a b:1', ':70000', '::1:80']) {
    it(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseBindAddress(text), /expected host:port/));
  }
});
