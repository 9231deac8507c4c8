import type { Container } from './container.ts';
import type { PodRecord } from './container-runtime.ts';
import type { ContainerSpec } from './environment.ts';
import type { ContainerPicture, Waiting } from './pod-picture.ts';
import type { ContainerFacts } from './pod-plan.ts';
import type { Probes } from './probes.ts';

/** kubelet's memory of one container of a pod: gone with kubelet, unlike the instances in the runtime. */
export interface Slot {
  readonly spec: ContainerSpec;
  readonly kind: 'init' | 'main';
  /** An instance is being made: image, files, postStart hook. */
  starting: boolean;
  waiting: Waiting | undefined;
  /** A failed start is tried again then. */
  retryMs: number;
  probes: Probes | undefined;
  /** The instance whose end this kubelet waits for. */
  watched: Container | undefined;
  /** The instance is being ended because a probe says so. */
  restarting: boolean;
}

export function newSlot(spec: ContainerSpec, kind: Slot['kind']): Slot {
  const nothing = { waiting: undefined, probes: undefined, watched: undefined };
  return { spec, kind, ...nothing, starting: false, retryMs: 0, restarting: false };
}

export function newestInstance(record: PodRecord, slot: Slot): Container | undefined {
  return record.containers.get(slot.spec.name)?.instances.at(-1);
}

/** The slot for `podPlan`. `restartMs` gives when an ended instance may be followed by the next. */
export function slotFacts(
  slot: Slot,
  context: { record: PodRecord; boot: number; restartMs: (endedMs: number) => number },
): ContainerFacts {
  const newest = newestInstance(context.record, slot);
  const ended = newest?.ended;
  const state = slot.starting
    ? 'starting'
    : newest === undefined
      ? 'absent'
      : ended === undefined
        ? 'running'
        : 'ended';
  return {
    name: slot.spec.name,
    kind: slot.kind,
    state,
    exitCode: ended?.exitCode,
    old: newest !== undefined && newest.boot !== context.boot,
    notBeforeMs: Math.max(slot.retryMs, ended === undefined ? 0 : context.restartMs(ended.endedMs)),
  };
}

/** The slot for `podStatus`. An instance whose postStart hook still runs is not shown yet. */
export function slotPicture(slot: Slot, record: PodRecord): ContainerPicture {
  const all = record.containers.get(slot.spec.name)?.instances ?? [];
  const shown = slot.starting && all.at(-1)?.ended === undefined ? all.slice(0, -1) : all;
  const newest = shown.at(-1);
  const before = shown.at(-2);
  return {
    name: slot.spec.name,
    kind: slot.kind,
    image: newest?.imageName || slot.spec.image || '',
    imageID: newest?.imageID ?? '',
    restartCount: (newest?.attempt ?? 1) - 1,
    running: newest && !newest.ended ? { containerID: newest.id, startedMs: newest.startedMs } : undefined,
    last: newest?.ended ?? before?.ended,
    before: newest?.ended ? before?.ended : undefined,
    waiting: slot.waiting,
    ready: slot.probes?.ready ?? false,
    started: slot.probes?.started ?? false,
  };
}
