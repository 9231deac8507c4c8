import assert from 'node:assert/strict';
import { type Stage, startStage } from '../journeys/stage.ts';
import { type DemoBuilder, prepareBuilder, trustedCa } from './builder.ts';
import { kernels, sample } from './cast.ts';
import { linesOf, makeSample } from './making.ts';

const standIn = { kind: 'stand-in', why: 'buildah was not found in PATH', instead: 'fetch it' } as const;

describe('the demo’s chapter on an image that is missing', () => {
  let stage: Stage;
  let builder: DemoBuilder;

  beforeEach(async () => {
    const kernel = { release: kernels.debian };
    const spokes = ['edge-1', 'core-1'].map((name) => ({
      name,
      labels: { debian: 'yes' },
      nodes: [
        { name: `${name}-a`, kernel },
        { name: `${name}-b`, kernel: { release: kernels.debianNext } },
      ],
    }));
    const hubConfig = { builds: { trustedCA: trustedCa }, job: { gcDelay: '1h' } };
    stage = await startStage(spokes, { builder: true, hubConfig });
    builder = await prepareBuilder(stage.fleet, standIn);
  });
  afterEach(() => stage.stop());

  it('tells of one build and one signature, and says of the stand-in that it compiles nothing, and why', async () => {
    const made = await makeSample(stage.fleet, builder);
    assert.deepEqual(
      [made.clusters, made.nodes],
      [
        ['edge-1', 'core-1'],
        ['edge-1-a', 'core-1-a'],
      ],
    );
    assert.deepEqual(
      made.signatures.map(({ file, signer, digest, algorithm }) => [file, signer, digest, algorithm]),
      ['kmm_sample.ko', 'kmm_sample_core.ko'].map((file) => [
        file,
        'Fictional Drivers module key',
        'sha256',
        'rsaEncryption',
      ]),
    );
    const told = linesOf(made, builder).join('\n');
    assert.match(told, /STAND-IN builder: nothing is compiled/);
    assert.match(told, /because buildah was not found in PATH; fetch it/);
    assert.match(told, /signed +by the real signer/);
    assert.ok(told.includes(made.digest));
  });

  it('does not pass the stand-in off as the real builder', async () => {
    const toolkit = { kernel: kernels.debian, toolkit: [], base: [] };
    await assert.rejects(makeSample(stage.fleet, { ...builder, choice: { kind: 'real', toolkit } }), (error: Error) => {
      assert.match(error.message, /expected .*LD.* in the log of the build, got STEP 1[\s\S]*stand-in builder/);
      return true;
    });
  });

  it('fails at once, with what the build says, when the build fails', async () => {
    const manifest = `/v2/${sample.repository}/manifests/`;
    stage.fleet.registry.fault = ({ method, path }) =>
      method === 'PUT' && path.startsWith(manifest) ? { reply: { status: 507, body: 'the disk is full' } } : undefined;
    await assert.rejects(
      makeSample(stage.fleet, builder),
      /expected event BuildSucceeded .*got BuildFailed: .*507 the disk is full/,
    );
  });
});
