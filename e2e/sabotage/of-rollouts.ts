import type { Breakage } from './breakages.ts';

const folder = 'hub/managed-cluster-module';

export const rolloutBreakages: readonly Breakage[] = [
  {
    why: 'one cluster whose work cannot be read stops the rollout of the whole fleet',
    file: `${folder}/cluster-controller.ts`,
    find: 'if (view !== undefined) {',
    replace: 'if (view === undefined || cluster !== "") throw error; else {',
    test: `${folder}/rollout/rollout-controller.test.ts`,
    title: 'lists in lists without end',
  },
  {
    why: 'a clock that is set back by an hour stops a rollout for an hour',
    file: `${folder}/rollout/rollout-controller.ts`,
    find: 'const passedMs = fleet.passedMs();',
    replace: 'const passedMs = fleet.nowMs();',
    test: `${folder}/rollout/rollout-controller.test.ts`,
    title: 'where somebody sets the clock back',
  },
  {
    why: 'a rollout goes on though too many clusters failed',
    file: `${folder}/rollout/admit.ts`,
    find: 'if (stopped !== undefined || paused) return',
    replace: 'if (paused) return',
    test: `${folder}/rollout/admit.test.ts`,
    title: 'stops with one failure more than may be',
  },
  {
    why: 'all clusters of a wave go at once',
    file: `${folder}/rollout/admit.ts`,
    find: 'inOrder.slice(0, room)',
    replace: 'inOrder',
    test: `${folder}/rollout/admit.test.ts`,
    title: 'as many as there is room for',
  },
  {
    why: 'the second group does not wait for the canary',
    file: `${folder}/rollout/admit.ts`,
    find: 'isOpen(cluster) && cluster.group === group',
    replace: 'isOpen(cluster)',
    test: `${folder}/rollout/admit.test.ts`,
    title: 'opens a group when all of the one before have ended',
  },
  {
    why: 'a rollout that was stopped goes on when the failed cluster goes away',
    file: `${folder}/record-of.ts`,
    find: "if (updated && failedAt !== undefined) return 'Failed';",
    replace: "if (updated && failedAt !== undefined && picture.cluster?.reachable) return 'Failed';",
    test: `${folder}/rollout/rollout-controller.test.ts`,
    title: 'stays stopped when the cluster that failed cannot be reached any more',
  },
  {
    why: 'a cluster that took long to load need not stay well',
    file: `${folder}/judge.ts`,
    find: 'wasBroken ? (seenAtMs ?? nowMs) : unbrokenSince',
    replace: 'wasBroken ? 0 : unbrokenSince',
    test: `${folder}/rollout/rollout-controller.test.ts`,
    title: 'waits until a cluster has been well for its time',
  },
  {
    why: 'a cluster that was taken down by a driver succeeds at the moment when it is back',
    file: `${folder}/judge.ts`,
    find: 'Math.min(input.reachableSinceMs ?? 0, nowMs)',
    replace: '0',
    test: `${folder}/rollout/rollout-controller.test.ts`,
    title: 'counts how long a cluster has been well anew',
  },
  {
    why: 'a canary whose agent garbles its work holds up the fleet for ever',
    file: `${folder}/record-of.ts`,
    find: "stage: wasUnwell ? 'Failed' : 'Unreachable',",
    replace: '',
    test: `${folder}/rollout/rollout-controller.test.ts`,
    title: 'garbles its work',
  },
];
