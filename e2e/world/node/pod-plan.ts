/** What kubelet knows of one container when it decides what to start. */
export interface ContainerFacts {
  readonly name: string;
  readonly kind: 'init' | 'main';
  readonly state: 'absent' | 'starting' | 'running' | 'ended';
  readonly exitCode?: number | undefined;
  /** It ended in an earlier boot of the node: its sandbox is gone, and init containers run anew. */
  readonly old: boolean;
  /** Not to be started before: the end of its back-off. */
  readonly notBeforeMs: number;
}

export interface PodPlan {
  readonly start: readonly string[];
  /** Containers that ended and wait for their back-off. */
  readonly backOff: readonly string[];
  /** When to look again by itself. */
  readonly wakeAtMs: number | undefined;
}

/**
 * Which containers kubelet starts now (kubernetes `kuberuntime_manager.go`, `computePodActions`): init containers one
 * after the other, then all main ones, each as the restart policy says. After a reboot nothing starts again in a pod
 * whose policy is Never, or whose main containers all succeeded under OnFailure.
 */
export function podPlan(restartPolicy: string | undefined, facts: readonly ContainerFacts[], nowMs: number): PodPlan {
  const main = facts.filter((container) => container.kind === 'main');
  const wanted = main.filter((container) => wantsStart(restartPolicy, container));
  const isOver = wanted.length === 0 && !main.some(isUp);
  if (isOver) return { start: [], backOff: [], wakeAtMs: undefined };
  const next = nextInit(facts);
  const candidates =
    next === undefined ? wanted : [next].filter((container) => wantsInitStart(restartPolicy, container));
  const start = candidates.filter((container) => container.notBeforeMs <= nowMs);
  const later = candidates.filter((container) => container.notBeforeMs > nowMs);
  return {
    start: start.map((container) => container.name),
    backOff: later.filter((container) => container.state === 'ended').map((container) => container.name),
    wakeAtMs: later.length > 0 ? Math.min(...later.map((container) => container.notBeforeMs)) : undefined,
  };
}

/** The init container that stands in the way; none once a main container ran in this sandbox. */
function nextInit(facts: readonly ContainerFacts[]): ContainerFacts | undefined {
  const begun = facts.some(
    ({ kind, state, old }) =>
      kind === 'main' && (state === 'starting' || state === 'running' || (state === 'ended' && !old)),
  );
  if (begun) return undefined;
  return facts.find(
    ({ kind, state, exitCode, old }) => kind === 'init' && !(state === 'ended' && exitCode === 0 && !old),
  );
}

function wantsInitStart(restartPolicy: string | undefined, container: ContainerFacts): boolean {
  if (container.state === 'absent') return true;
  if (container.state !== 'ended') return false;
  return restartPolicy !== 'Never';
}

function wantsStart(restartPolicy: string | undefined, container: ContainerFacts): boolean {
  if (container.state === 'absent') return true;
  if (container.state !== 'ended') return false;
  if (restartPolicy === 'Never') return false;
  return restartPolicy !== 'OnFailure' || container.exitCode !== 0;
}

function isUp({ state }: ContainerFacts): boolean {
  return state === 'running' || state === 'starting';
}
