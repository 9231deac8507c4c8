import type { Breakage } from './breakages.ts';

const folder = 'hub/managed-cluster-module';
const judge = { file: `${folder}/judge.ts`, test: `${folder}/judge.test.ts` };
const digests = { file: `${folder}/digests.ts`, test: `${folder}/digests.test.ts` };
const nextState = { file: `${folder}/next-state.ts`, test: `${folder}/decide.test.ts` };

const orphan = { file: `${folder}/orphan/decide.ts`, test: `${folder}/orphan/decide.test.ts` };

export const hubBreakages: readonly Breakage[] = [
  {
    why: 'a work is deleted before its agent has let the Module stay, which is unloaded then',
    ...orphan,
    find: "return isConfirmed(work) ? 'delete' : 'keep';",
    replace: "return 'delete';",
    title: 'deleted once its agent has applied just that',
  },
  {
    why: 'a foreground deletion takes works along, and unloads what shall stay',
    file: `${folder}/orphan/policy.ts`,
    find: "return policy === 'Orphan' && held;",
    replace: 'return false;',
    test: 'e2e/journeys/orphan.test.ts',
    title: 'that nobody else can take with it',
  },
  {
    why: 'a forced deletion does not wait for clusters that could confirm',
    ...orphan,
    find: "!isStuck(work) || stepOfWork(picture, work) !== 'keep'",
    replace: "stepOfWork(picture, work) !== 'keep'",
    title: 'forced, still waits for all who can answer',
  },
  {
    why: 'a module goes while the server still has a work that the watch has not shown',
    file: `${folder}/orphan/module-controller.ts`,
    find: "if (step.kind !== 'letGo') return after(",
    replace: 'if (items.length > 99) return after(',
    test: `${folder}/orphan/controllers.test.ts`,
    title: 'goes when the server has no work any more',
  },
  {
    why: 'a misspelt strictSecrets lets unlabelled Secrets through',
    file: 'shared/process/builds-config.ts',
    find: 'return { config: { ...config, strictSecrets: true }, told };',
    replace: 'return { config, told };',
    test: 'e2e/runtime/configuration.test.ts',
    title: 'refuses unlabelled Secrets',
  },
  {
    why: 'a mapping is said to serve kernels that an earlier one takes',
    file: 'hub/managed-cluster-module/mapping-status.ts',
    find: 'used.add(answer.mapping.index);',
    replace: 'for (const index of mappings.keys()) used.add(index);',
    test: 'hub/managed-cluster-module/mapping-status.test.ts',
    title: '[216]',
  },
  {
    why: 'numbers of the state before count as success of the new one',
    ...judge,
    find: 'if (feedback.state !== state) {',
    replace: 'if (feedback.state === undefined) {',
    title: 'is not ready by the numbers of the state before',
  },
  {
    why: 'a node that is switched off holds its cluster up',
    ...judge,
    find: 'const expected = desired - unreachable;',
    replace: 'const expected = desired;',
    title: 'that ',
  },
  {
    why: 'a failure is named only after minutes (T20)',
    ...judge,
    find: 'failingMs: 40_000',
    replace: 'failingMs: 400_000',
    title: 'fails when a node has failed for 40 seconds',
  },
  {
    why: "upstream's spoke is believed at once, though its numbers may be old",
    ...judge,
    find: 'countsOnlyMs: 60_000',
    replace: 'countsOnlyMs: 0',
    title: 'its numbers must hold for a minute',
  },
  {
    why: 'a tag that moves in the registry moves the fleet',
    ...digests,
    find: 'if (!known.has(key)) known.set(',
    replace: 'known.set(',
    title: 'is fixed by the first that is verified',
  },
  {
    why: 'one cluster that edits its work decides the image of all after a restart',
    ...digests,
    find: '[...byDigest].filter(([, those]) => those.some(isGenuine))',
    replace: '[...byDigest]',
    title: 'is not taken from a work that somebody edited',
  },
  {
    why: 'works of upstream are adopted although their images are others',
    file: `${folder}/adoption.ts`,
    find: 'sameImage(containerImage, answer.mapping.containerImage) &&',
    replace: '',
    test: `${folder}/adoption.test.ts`,
    title: 'gets a new state like any other cluster',
  },
  {
    why: "a stranger's ManifestWork of the same name is deleted (T29)",
    file: `${folder}/decide.ts`,
    find: "if (work === undefined || work.ownership === 'foreign' || work.terminating) return nothing;",
    replace: 'if (work === undefined || work.terminating) return nothing;',
    test: `${folder}/decide.test.ts`,
    title: 'have a work of someone else, lose nothing',
  },
  {
    why: 'a cluster that cannot be reached is given a new state',
    file: `${folder}/decide.ts`,
    find: 'if (cluster.reachable) return decision;',
    replace: 'if (cluster.name) return decision;',
    test: `${folder}/decide.test.ts`,
    title: 'that cannot be reached get nothing new',
  },
  {
    why: 'a first work goes out without a kernel whose image is still being looked for',
    ...nextState,
    find: 'if (blocking.length > 0) return',
    replace: 'if (blocking.length > 99) return',
    title: 'waits while one of its images is',
  },
  {
    why: 'a new kernel takes the mappings away that the cluster has',
    ...nextState,
    find: 'fitting([...kept.mappings, ...mappings], runs)',
    replace: 'fitting(mappings, runs)',
    title: 'gets a new kernel as soon as its image is verified',
  },
  {
    why: 'builds, signatures and registry options go to the clusters',
    file: `${folder}/shipped-spec.ts`,
    find: 'for (const field of hubOnly) delete container[field];',
    replace: '',
    test: `${folder}/work.test.ts`,
    title: 'without build, sign, regexp and registryTLS',
  },
  {
    why: 'every look at a module tells its conditions again',
    file: `${folder}/events.ts`,
    find: 'const isSame = known?.status === status && known.reason === reason;',
    replace: 'const isSame = false;',
    test: `${folder}/status.test.ts`,
    title: 'tell a change of status or reason once',
  },
];
