import type { Breakage } from './breakages.ts';

const folder = 'hub/cli';

/** Of `kubectl kmm`. */
export const cliBreakages: readonly Breakage[] = [
  {
    why: 'a plan promises a new version to a cluster that cannot be reached',
    file: `${folder}/plan-cluster.ts`,
    find: 'const isLate = !cluster.reachable && written.has(change);',
    replace: 'const isLate = false;',
    test: `${folder}/plan.test.ts`,
    title: 'by its own decisions',
  },
  {
    why: 'a plan calls an edit of upcomingKernels unchanged',
    file: `${folder}/plan-cluster.ts`,
    find: "return isExtended ? 'extended' : 'unchanged';",
    replace: "return 'unchanged';",
    test: `${folder}/plan.test.ts`,
    title: 'added to the upcoming ones',
  },
  {
    why: 'an image that nobody has looked for counts as served',
    file: `${folder}/preflight.ts`,
    find: "return { verdict: 'NotKnown', reason: 'NotKnown', message",
    replace: "return { verdict: 'Served', reason: 'NotKnown', message",
    test: `${folder}/preflight.test.ts`,
    title: 'is served where the work maps it',
  },
  {
    why: 'a cluster moves the cursor of a terminal that prints JSON or YAML',
    file: `${folder}/report.ts`,
    find: "if (typeof value === 'string') return printable(value);",
    replace: "if (typeof value === 'string') return value;",
    test: `${folder}/status.test.ts`,
    title: 'without control characters',
  },
  {
    why: 'an undo goes back to the oldest version that is kept',
    file: `${folder}/undo.ts`,
    find: 'others.find(({ revision }) => revision < number)',
    replace: 'others.at(-1)',
    test: `${folder}/preflight.test.ts`,
    title: 'is the one before the present',
  },
  {
    why: 'an undo writes over an edit that nobody was shown',
    file: `${folder}/rollout-command.ts`,
    find: "{ op: 'test', path: '/metadata/generation', value: generation },",
    replace: '',
    test: `${folder}/rollout-command.test.ts`,
    title: 'only over what it has shown',
  },
  {
    why: 'a node that refuses the module is not where the chain breaks',
    file: `${folder}/explain-work.ts`,
    find: "if (fails || entry?.state === 'Failed')",
    replace: "if (entry?.state === 'Failed')",
    test: `${folder}/explain.test.ts`,
    title: 'a key that is not known',
  },
];
