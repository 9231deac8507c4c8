import assert from 'node:assert/strict';
import type { ImageRecipe } from '../images/recipe.ts';
import { decide } from './decide.ts';
import { type MakingJob, type MakingPicture, neverMs, type Step, type Verdict } from './picture.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;
const minuteMs = 60_000;
const nowMs = 1_000 * minuteMs;
const kernel = '6.1.0-28-amd64';
const tls = { insecure: false, insecureSkipTLSVerify: false };
const image = 'registry.example/driver:6.1.0';
const recipe: ImageRecipe = {
  image,
  registryTLS: tls,
  kernel,
  dirName: '/opt',
  moduleName: 'driver',
  build: { image, dockerfileConfigMap: 'dockerfile', args: [], secrets: [], baseImageRegistryTLS: tls },
};
const signed: ImageRecipe = {
  ...recipe,
  sign: {
    keySecret: 'key',
    certSecret: 'cert',
    filesToSign: ['/opt/lib/modules/*.ko'],
    unsignedImage: 'registry.example/driver:6.1.0-ns_driver_kmm_unsigned',
    unsignedImageRegistryTLS: tls,
  },
};
const missing = { state: 'Missing', message: 'not there' } as const;
const present = { state: 'Verified', digest } as const;

function picture(overrides: Partial<MakingPicture> = {}): MakingPicture {
  return {
    image,
    recipe,
    expectations: [kernel],
    verdicts: good,
    wasGood: false,
    failures: new Map(),
    foreign: undefined,
    existence: missing,
    askedMs: nowMs - minuteMs,
    inputs: { kind: 'ready', build: 'b1', sign: 's1' },
    jobs: [],
    isCondemned: false,
    mayStart: true,
    heldMs: neverMs,
    unwantedMs: 0,
    keepFinishedMs: 10 * minuteMs,
    nowMs,
    ...overrides,
  };
}

function job(step: Step, overrides: Partial<MakingJob> = {}): MakingJob {
  const ended = overrides.phase === 'succeeded' || overrides.phase === 'failed';
  return {
    kind: 'Job',
    name: `driver-${step}`,
    uid: `uid-${step}`,
    step,
    hash: step === 'build' ? 'b1' : 's1',
    attempt: 1,
    phase: 'active',
    seconds: undefined,
    said: undefined,
    result: ended
      ? {
          atMs: nowMs - 2 * minuteMs,
          reason: '',
          message: 'make: *** [all] Error 2',
          ...(overrides.phase === 'succeeded' && { digest }),
        }
      : undefined,
    ...overrides,
  };
}
const verdict = (kind: Verdict['kind'], reason = '') => ({ kind, reason, message: reason, untilMs: 0 });
const good = new Map([[kernel, verdict('good')]]);
const bad = new Map([[kernel, verdict('bad', 'WrongVermagic')]]);

function seen(overrides: Partial<MakingPicture>) {
  const { action, stateOf, wakeMs } = decide(picture(overrides));
  const jobs = action.kind === 'delete' ? action.jobs.map(({ step }) => step) : undefined;
  const step = action.kind === 'create' ? action.step : undefined;
  return { action: action.kind, ...(jobs && { jobs }), ...(step && { step }), state: stateOf(kernel).state, wakeMs };
}

describe('the next step of an image', () => {
  it('is none while the registry has not answered, or does not say: an outage builds nothing [62]', () => {
    for (const existence of [
      { state: 'Checking' },
      { state: 'Unknown', reason: 'RegistryUnavailable', message: 'down' },
    ] as const) {
      assert.deepEqual(seen({ existence }), { action: 'none', state: existence.state, wakeMs: undefined });
    }
  });

  it('is none for an image that is there [62] [217]', () => {
    assert.deepEqual(seen({ existence: present }), { action: 'none', state: 'Verified', wakeMs: undefined });
  });

  it('is a build when it is missing, and then its signing, of what was built [84]', () => {
    assert.deepEqual(seen({}), { action: 'create', step: 'build', state: 'Building', wakeMs: undefined });
    assert.equal(seen({ jobs: [job('build')] }).action, 'none');
    const built = job('build', { phase: 'succeeded' });
    assert.equal(seen({ recipe: signed, jobs: [built] }).step, 'sign');
    assert.equal(seen({ recipe: signed, jobs: [built, job('sign')] }).state, 'Signing');
  });

  it('is a signature when only that is asked for [83] [T4]', () => {
    const { build: _, ...onlySigned } = signed;
    const inputs = { kind: 'ready', build: undefined, sign: 's1' } as const;
    assert.equal(seen({ recipe: onlySigned, inputs }).step, 'sign');
    const failed = job('sign', { phase: 'failed' });
    const again = decide(picture({ recipe: onlySigned, inputs, jobs: [failed], nowMs: nowMs + 60 * minuteMs }));
    assert.deepEqual(again.action.kind === 'delete' && again.action.jobs, [failed]);
  });

  it('waits for a place, and says so', () => {
    const { action, stateOf } = decide(picture({ mayStart: false }));
    assert.equal(action.kind, 'none');
    assert.match(JSON.stringify(stateOf(kernel)), /BuildQueued.*builds\.concurrency/);
  });

  it('waits while another namespace makes the same image, and then asks for it first [163] [T8]', () => {
    const held = decide(picture({ mayStart: false, heldMs: nowMs }));
    assert.equal(held.action.kind, 'none');
    assert.ok(held.wakeMs !== undefined);
    assert.match(JSON.stringify(held.stateOf(kernel)), /BuildQueued.*another namespace/);
    assert.equal(seen({ heldMs: nowMs - 1_000 }).action, 'ask');
    assert.equal(seen({ heldMs: nowMs - 2 * minuteMs }).action, 'create');
  });

  it('says why a pod does not start, and what nodes a build for another architecture needs', () => {
    const told = (step: Step, podTrouble: string | undefined, of: ImageRecipe) => {
      const jobs =
        step === 'sign'
          ? [job('build', { phase: 'succeeded' }), job('sign', { podTrouble })]
          : [job('build', { podTrouble })];
      const state = decide(picture({ recipe: of, jobs })).stateOf(kernel);
      return 'message' in state ? state.message : state.state;
    };
    const arm: ImageRecipe = { ...signed, architecture: 'arm64' };
    const pull = 'ImagePullBackOff: Back-off pulling image "b"';
    const nowhere = 'Unschedulable: 0/1 nodes are available';
    assert.equal(told('build', undefined, arm), 'its build is under way');
    assert.equal(told('build', pull, arm), `its build waits, its pod does not start: ${pull}`);
    assert.equal(told('sign', nowhere, arm), `its signing waits, its pod does not start: ${nowhere}`);
    assert.equal(
      told('build', nowhere, arm),
      `its build waits, its pod does not start: ${nowhere} (a build for kernel ${kernel} runs on nodes with kubernetes.io/arch=arm64 only)`,
    );
  });

  it('waits until a former Job is gone: never two at once [163] [T8]', () => {
    assert.equal(seen({ jobs: [job('build', { phase: 'terminating' })] }).action, 'none');
    assert.equal(
      seen({ isCondemned: true, existence: present, jobs: [job('sign', { phase: 'terminating' })] }).action,
      'none',
    );
  });

  it('begins anew when anything changed that it is made from, also in the middle [75] [90] [T10]', () => {
    const inputs = { kind: 'ready', build: 'b2', sign: 's2' } as const;
    assert.deepEqual(seen({ inputs, jobs: [job('build')] }).jobs, ['build']);
    const built = job('build', { phase: 'succeeded' });
    assert.deepEqual(seen({ recipe: signed, inputs, jobs: [built, job('sign')] }).jobs, ['build', 'sign']);
    const onlyKey = { kind: 'ready', build: 'b1', sign: 's2' } as const;
    assert.deepEqual(seen({ recipe: signed, inputs: onlyKey, jobs: [built, job('sign')] }).jobs, ['sign']);
    assert.deepEqual(seen({ inputs, jobs: [job('build', { phase: 'failed' })] }).jobs, ['build']);
  });

  it('shows a failure with the end of its log, and tries again later and later [76]', () => {
    const failed = (attempt: number) => [job('build', { phase: 'failed', attempt })];
    const { action, stateOf, wakeMs } = decide(picture({ jobs: failed(3) }));
    assert.equal(action.kind, 'none');
    assert.match(JSON.stringify(stateOf(kernel)), /BuildFailed.*attempt 3.*Error 2/);
    assert.equal(wakeMs, 6 * minuteMs);
    const after = (attempt: number, minutes: number) =>
      seen({ jobs: failed(attempt), nowMs: nowMs + minutes * minuteMs });
    assert.equal(after(1, 0).action, 'delete');
    assert.equal(after(3, 5).action, 'none');
    assert.equal(after(3, 6).action, 'delete');
    assert.equal(after(20, 57).action, 'none');
    assert.equal(after(20, 58).action, 'delete');
  });

  it('reads what the pod said before anything else', () => {
    assert.equal(seen({ jobs: [job('build', { phase: 'failed', result: undefined })] }).action, 'read');
    assert.equal(
      seen({ recipe: undefined, jobs: [job('sign', { phase: 'succeeded', result: undefined })] }).action,
      'read',
    );
  });

  it('asks the registry again after a success, and believes it only when it was asked after that', () => {
    const jobs = [job('build', { phase: 'succeeded' })];
    assert.equal(seen({ jobs, askedMs: nowMs - 3 * minuteMs }).action, 'ask');
    assert.deepEqual(seen({ jobs, askedMs: nowMs - minuteMs, nowMs: nowMs - minuteMs }).state, 'Failed');
  });

  it('counts what is there only once it was looked into, whoever pushed it', () => {
    const verdicts = new Map();
    assert.deepEqual(seen({ existence: present, verdicts }), {
      action: 'verify',
      state: 'Checking',
      wakeMs: undefined,
    });
    const jobs = [job('build', { phase: 'succeeded' })];
    assert.equal(seen({ existence: present, jobs, verdicts }).action, 'verify');
    assert.equal(seen({ existence: present, jobs: [job('build')], verdicts }).state, 'Building');
    assert.deepEqual(seen({ existence: present, jobs }), { action: 'none', state: 'Verified', wakeMs: 8 * minuteMs });
  });

  it('says that it cannot be read, and looks again later', () => {
    const verdicts = new Map([[kernel, { ...verdict('unknown', 'RegistryUnavailable'), untilMs: nowMs + minuteMs }]]);
    assert.deepEqual(seen({ existence: present, verdicts }), { action: 'none', state: 'Unknown', wakeMs: minuteMs });
    assert.equal(seen({ existence: present, verdicts, nowMs: nowMs + minuteMs }).action, 'verify');
  });

  it('takes nothing that was pushed over what the Job pushed', () => {
    const result = { atMs: nowMs - 2 * minuteMs, reason: '', message: '', digest: other };
    const jobs = [job('build', { phase: 'succeeded', result })];
    assert.equal(seen({ existence: present, jobs, askedMs: nowMs - 3 * minuteMs }).action, 'ask');
    assert.equal(seen({ existence: present, jobs }).state, 'Failed');
    assert.equal(seen({ existence: { state: 'Verified', digest: other }, jobs }).state, 'Verified');
  });

  it('keeps what is no good from being shipped, with or without a Job, and makes it anew when an input changes', () => {
    const jobs = [job('build', { phase: 'succeeded' })];
    const common = { existence: present, verdicts: bad };
    assert.equal(seen({ ...common, jobs }).state, 'Failed');
    assert.deepEqual(seen(common), { action: 'none', state: 'Failed', wakeMs: 9 * minuteMs });
    assert.equal(seen({ ...common, nowMs: nowMs + 9 * minuteMs }).action, 'ask', 'somebody may have mended it');
    const inputs = { kind: 'ready', build: 'b2', sign: undefined } as const;
    const { action } = decide(picture({ ...common, jobs, inputs }));
    assert.equal(action.kind === 'delete' && action.condemn, true);
    assert.equal(seen({ ...common, isCondemned: true, inputs }).action, 'create');
    assert.equal(seen({ ...common, isCondemned: true, jobs }).action, 'ask');
  });

  it('makes a signed image anew when only its Dockerfile was mended', () => {
    const built = job('build', { phase: 'succeeded' });
    const jobs = [built, job('sign', { phase: 'succeeded' })];
    const inputs = { kind: 'ready', build: 'b2', sign: 's1' } as const;
    assert.deepEqual(seen({ recipe: signed, existence: present, verdicts: bad, jobs, inputs }).jobs, ['build', 'sign']);
  });

  it('goes on making what is no good after a restart in the middle', () => {
    const common = { existence: present, verdicts: bad };
    assert.deepEqual(seen({ ...common, jobs: [job('build')] }), {
      action: 'none',
      state: 'Building',
      wakeMs: undefined,
    });
    const signing = { ...common, recipe: signed, jobs: [job('build', { phase: 'failed' })] };
    assert.equal(seen(signing).state, 'Failed');
    assert.equal(seen(signing).action, 'delete');
  });

  it('judges each who wants it by itself: two that share one image name get what is in it [T31]', () => {
    const verdicts = new Map([...good, ['another', verdict('bad', 'ModuleFileMissing')]]);
    const jobs = [job('build', { phase: 'succeeded' })];
    const { stateOf } = decide(picture({ existence: present, expectations: [kernel, 'another'], verdicts, jobs }));
    assert.deepEqual([stateOf(kernel).state, stateOf('another').state], ['Verified', 'Failed']);
  });

  it('removes Jobs of verified images after job.gcDelay [77]', () => {
    const jobs = [job('build', { phase: 'succeeded' }), job('sign', { phase: 'succeeded' })];
    const overrides = { recipe: signed, existence: present, jobs };
    assert.equal(seen({ ...overrides, nowMs: nowMs + 7 * minuteMs }).action, 'none');
    assert.deepEqual(seen({ ...overrides, nowMs: nowMs + 8 * minuteMs }).jobs, ['build', 'sign']);
  });

  it('builds again what was deleted from the registry [86]', () => {
    const jobs = [job('build', { phase: 'succeeded' })];
    assert.deepEqual(seen({ jobs, askedMs: nowMs, wasGood: true }).jobs, ['build']);
    // The signer's own word.
    const reason = 'ImageMissing';
    const lost = job('sign', { phase: 'failed', result: { atMs: nowMs - 60 * minuteMs, reason, message: 'gone' } });
    assert.deepEqual(seen({ recipe: signed, jobs: [job('build', { phase: 'succeeded' }), lost] }).jobs, [
      'build',
      'sign',
    ]);
  });

  it('cancels nothing at once when nobody wants it any more: another version may want the same', () => {
    const overrides = { recipe: undefined, expectations: [], jobs: [job('build')] };
    assert.deepEqual(seen(overrides), { action: 'none', state: 'Checking', wakeMs: 5 * minuteMs });
    assert.deepEqual(seen({ ...overrides, unwantedMs: 5 * minuteMs }).jobs, ['build']);
    const finished = { ...overrides, jobs: [job('build', { phase: 'failed' })], unwantedMs: 5 * minuteMs };
    assert.equal(seen(finished).wakeMs, 8 * minuteMs);
  });

  it('keeps what made an image that is good for job.gcDelay only, also when its works name it already [77]', () => {
    const jobs = [job('build', { phase: 'succeeded' }), job('sign', { phase: 'succeeded' })];
    const overrides = { recipe: undefined, expectations: [], jobs, wasGood: true, keepFinishedMs: 3 * minuteMs };
    assert.deepEqual(seen(overrides), { action: 'none', state: 'Checking', wakeMs: minuteMs });
    assert.deepEqual(seen({ ...overrides, keepFinishedMs: 2 * minuteMs }).jobs, ['build', 'sign']);
    const signing = { ...overrides, jobs: [job('build', { phase: 'succeeded' }), job('sign')] };
    assert.equal(seen(signing).wakeMs, 5 * minuteMs);
  });

  it('asks the registry only when the answer will count, and waits until then', () => {
    for (const existence of [missing, { ...present, digest: 'sha256:other' }]) {
      for (const aheadMs of [0, 10 * minuteMs]) {
        const result = { atMs: nowMs + aheadMs, digest, reason: '', message: '' };
        const jobs = [job('build', { phase: 'succeeded', result }), job('sign', { phase: 'succeeded', result })];
        const early = { existence, jobs, askedMs: nowMs, verdicts: new Map() };
        assert.deepEqual(seen(early), { action: 'none', state: 'Checking', wakeMs: aheadMs + 1 });
        assert.equal(seen({ ...early, nowMs: nowMs + aheadMs + 1 }).action, 'ask');
      }
    }
  });

  it('forgets what nobody has wanted for long, once no Job is left of it', () => {
    const overrides = { recipe: undefined, expectations: [] };
    const early = seen({ ...overrides, unwantedMs: 119 * minuteMs });
    assert.deepEqual(early, { action: 'none', state: 'Checking', wakeMs: minuteMs });
    assert.equal(seen({ ...overrides, unwantedMs: 120 * minuteMs }).action, 'forget');
    const going = { ...overrides, jobs: [job('build', { phase: 'terminating' })], unwantedMs: 120 * minuteMs };
    assert.equal(seen(going).action, 'none');
  });

  it('gives a Build up that has no pod in time, and says why; then back-off applies [75] [76]', () => {
    const waiting = job('build', { kind: 'Build', leftMs: minuteMs, podTrouble: 'CannotCreateBuildPod: no' });
    assert.deepEqual(seen({ jobs: [waiting] }), { action: 'none', state: 'Building', wakeMs: minuteMs });
    const overdue = { ...waiting, leftMs: 0 };
    const { action, stateOf } = decide(picture({ jobs: [overdue] }));
    const message = 'it had no pod that starts for builds.timeout: CannotCreateBuildPod: no';
    assert.deepEqual(action, { kind: 'giveUp', job: overdue, message });
    const failed = {
      state: 'Failed',
      reason: 'BuildFailed',
      message: `build failed (attempt 1): ${message}; it is tried again later`,
    };
    assert.deepEqual(stateOf(kernel), failed);
    const failures = new Map([['build' as const, { hash: 'b1', attempt: 1, atMs: nowMs, message }]]);
    const later = decide(picture({ failures }));
    assert.deepEqual([later.action.kind, later.stateOf(kernel), later.wakeMs], ['none', failed, 2 * minuteMs]);
    assert.equal(seen({ failures, nowMs: nowMs + 2 * minuteMs }).step, 'build');
    assert.equal(
      seen({ failures: new Map([['build' as const, { hash: 'b0', attempt: 1, atMs: nowMs, message }]]) }).step,
      'build',
    );
  });

  it('gives a Build up whose end nobody writes, whoever wants it, in its own words', () => {
    const said = { reason: 'BuildFailed', message: 'DockerBuildFailed: it failed' };
    const overdue = job('build', { kind: 'Build', leftMs: 0, said });
    for (const wanted of [{}, { recipe: undefined, expectations: [] }, { existence: present }]) {
      const { action } = decide(picture({ ...wanted, jobs: [overdue] }));
      assert.deepEqual(action, { kind: 'giveUp', job: overdue, message: said.message });
    }
    assert.equal(seen({ existence: present, jobs: [overdue] }).state, 'Verified');
    assert.equal(seen({ jobs: [{ ...overdue, phase: 'terminating' }] }).action, 'none');
  });

  it('is none while it is not known by what it is built, and keeps what is there', () => {
    const inputs = { kind: 'waiting', message: 'the API server answers' } as const;
    const { action, stateOf } = decide(picture({ inputs }));
    const message = 'its build waits until the API server answers';
    assert.deepEqual([action.kind, stateOf(kernel)], ['none', { state: 'Building', reason: 'BuildQueued', message }]);
    assert.equal(seen({ inputs, existence: present }).state, 'Verified');
    assert.equal(seen({ inputs, jobs: [job('build')] }).action, 'none');
  });

  it('is none, with the reason, while something that the recipe names is not there [80] [94]', () => {
    const inputs = {
      kind: 'problem',
      reason: 'DockerfileMissing',
      message: 'ConfigMap kmm/dockerfile does not exist',
    } as const;
    assert.deepEqual(seen({ inputs }), { action: 'none', state: 'Failed', wakeMs: 10 * minuteMs });
  });
});
