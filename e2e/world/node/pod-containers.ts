import type { Pod } from '../../../shared/kube/object.ts';
import { type BackOffEntry, durationText, nextEntry, notBeforeMs } from './back-off.ts';
import type { Container } from './container.ts';
import { type LaunchContext, LaunchError, launchContainer, retryMs } from './container-launch.ts';
import type { PodRecord } from './container-runtime.ts';
import { newestInstance, newSlot, type Slot, slotFacts, slotPicture } from './container-slot.ts';
import type { ContainerPicture } from './pod-picture.ts';
import { podPlan } from './pod-plan.ts';
import type { WorkerContext } from './pod-worker.ts';
import { Probes } from './probes.ts';
import { aborted, stopContainer } from './termination.ts';

/** kubelet writes what it saw, then acts; the waiting reason that came of it is seen at its next look. */
const nextLookMs = 1_000;

export interface PodContainersContext extends WorkerContext {
  readonly record: PodRecord;
  readonly pod: () => Pod;
  readonly wake: () => void;
}

/** The containers of one pod as kubelet drives them: starts with their back-off, probes, and the end. */
export class PodContainers {
  readonly #context: PodContainersContext;
  readonly #slots: readonly Slot[];
  readonly #restartBackOff = new Map<string, BackOffEntry>();
  readonly #launch: LaunchContext;
  readonly #launches = new Set<Promise<void>>();
  readonly #forced = new AbortController();
  #isEnding = false;

  constructor(context: PodContainersContext) {
    this.#context = context;
    const { initContainers = [], containers } = context.pod().spec;
    this.#slots = [
      ...initContainers.map((spec) => newSlot(spec, 'init')),
      ...containers.map((spec) => newSlot(spec, 'main')),
    ];
    this.#launch = {
      ...context,
      pullBackOff: new Map(),
      warn: (reason, note) => context.warn(context.pod(), reason, note),
      cancelled: () => this.#isEnding || context.signal.aborted,
    };
  }

  get anyUp(): boolean {
    return this.#slots.some((slot) => slot.starting || this.#running(slot) !== undefined);
  }

  pictures(): ContainerPicture[] {
    return this.#slots.map((slot) => slotPicture(slot, this.#context.record));
  }

  /** Takes over the containers that run already: kubelet was restarted, the runtime was not. */
  adopt(): void {
    const statuses = this.#context.pod().status?.containerStatuses ?? [];
    for (const slot of this.#slots) {
      const container = this.#running(slot);
      if (container === undefined || slot.watched === container || slot.starting) continue;
      const known = statuses.find((status) => status.containerID === container.id);
      const initial = this.#context.readinessFlap ? undefined : known;
      this.#watch(slot, container, { ready: initial?.ready ?? false, started: initial?.started ?? false });
    }
  }

  /** Starts what is due; returns when to look again. */
  advance(volumes: ReadonlyMap<string, string>): number | undefined {
    const { clock, record, runtime } = this.#context;
    const pod = this.#context.pod();
    const nowMs = clock.now();
    const facts = this.#slots.map((slot) =>
      slotFacts(slot, { record, boot: runtime.boot, restartMs: (endedMs) => this.#restartMs(slot, endedMs) }),
    );
    const plan = podPlan(pod.spec.restartPolicy, facts, nowMs);
    let wakeAtMs = plan.wakeAtMs;
    for (const slot of this.#slots) {
      if (plan.start.includes(slot.spec.name)) this.#begin(slot, volumes);
      if (!plan.backOff.includes(slot.spec.name) || slot.waiting?.reason === 'CrashLoopBackOff') continue;
      // A start that failed keeps its own reason until kubelet's next try.
      const isShown = slot.retryMs > nowMs;
      if (!isShown) slot.waiting = this.#crashLoop(slot);
      wakeAtMs = Math.min(wakeAtMs ?? Number.POSITIVE_INFINITY, isShown ? slot.retryMs : nowMs + nextLookMs);
    }
    return wakeAtMs;
  }

  /** No time is left: hooks are cut short or not run. */
  force(): void {
    this.#forced.abort();
  }

  /** Ends everything; true once nothing runs, false when kubelet stopped first. */
  async end(graceMs: number): Promise<boolean> {
    this.#isEnding = true;
    for (const slot of this.#slots) {
      slot.probes?.stopDeadly();
      slot.waiting = undefined;
    }
    while (this.anyUp && !this.#context.signal.aborted) {
      await Promise.all([...this.#launches, ...this.#slots.map((slot) => this.#stopSlot(slot, graceMs))]);
    }
    for (const slot of this.#slots) slot.waiting = undefined;
    return !this.anyUp;
  }

  /** Of a pod that kubelet no longer admits: no hooks. */
  async endByForce(): Promise<undefined> {
    this.force();
    await this.end(0);
  }

  /** kubelet stops: probes end, containers go on, starts under way are awaited. */
  async stop(): Promise<void> {
    for (const slot of this.#slots) slot.probes?.stop();
    await Promise.all([...this.#launches]);
    for (const slot of this.#slots) slot.probes?.stop();
  }

  #begin(slot: Slot, volumes: ReadonlyMap<string, string>): void {
    const { clock, record } = this.#context;
    const { name } = slot.spec;
    if (newestInstance(record, slot)?.ended) {
      this.#restartBackOff.set(name, nextEntry(this.#restartBackOff.get(name), clock.now()));
    }
    slot.starting = true;
    const launch = this.#start(slot, volumes).finally(() => {
      slot.starting = false;
      this.#launches.delete(launch);
      this.#context.wake();
    });
    this.#launches.add(launch);
  }

  async #start(slot: Slot, volumes: ReadonlyMap<string, string>): Promise<void> {
    const { clock, log } = this.#context;
    try {
      const pod = this.#context.pod();
      const container = await launchContainer(this.#launch, { pod, spec: slot.spec, volumes });
      if (container === undefined) return;
      slot.waiting = undefined;
      await Promise.race([this.#postStart(slot, container), aborted(this.#context.signal)]);
      this.#watch(slot, container, { ready: false, started: false });
    } catch (error) {
      const failure = error instanceof LaunchError ? error : undefined;
      if (!failure) log.error({ container: slot.spec.name, error: String(error) }, 'container start failed');
      slot.waiting = { reason: failure?.reason ?? 'CreateContainerError', message: failure?.message ?? String(error) };
      slot.retryMs = failure?.retryAtMs ?? clock.now() + retryMs;
    }
  }

  /** A hook that fails ends the container, and preStop is run then too. */
  async #postStart(slot: Slot, container: Container): Promise<void> {
    const command = slot.spec.lifecycle?.postStart?.exec?.command;
    if (command === undefined || container.ended !== undefined) return;
    const result = await container.exec(command, Number.MAX_SAFE_INTEGER);
    if ((result.kind === 'exited' && result.code === 0) || container.ended !== undefined) return;
    const message = `PostStartHook failed: ${result.kind === 'exited' ? result.output.slice(-512) : result.kind}`;
    this.#launch.warn('FailedPostStartHook', message);
    await this.#stopSlot(slot, this.#graceMs());
    slot.waiting = { reason: 'PostStartHookError', message };
    slot.retryMs = this.#context.clock.now() + retryMs;
  }

  #watch(slot: Slot, container: Container, initial: { ready: boolean; started: boolean }): void {
    const { clock, programMsMin, wake } = this.#context;
    slot.watched = container;
    void container.whenEnded.then(wake);
    if (slot.kind === 'init') return;
    slot.probes = new Probes({
      spec: slot.spec,
      container,
      clock,
      timeoutMsMin: programMsMin.probe,
      initial,
      onChange: wake,
      onFailure: (_kind, message) => this.#launch.warn('Unhealthy', message),
      onDead: (message) => {
        this.#launch.warn('Killing', message);
        void this.#stopSlot(slot, this.#graceMs()).then(wake);
      },
    });
  }

  async #stopSlot(slot: Slot, graceMs: number): Promise<void> {
    const container = this.#running(slot);
    if (container === undefined || (slot.restarting && !this.#isEnding)) return;
    slot.restarting = true;
    const { clock, signal, programMsMin } = this.#context;
    const onHookFailed = (message: string) => this.#launch.warn('FailedPreStopHook', message);
    const how = { spec: slot.spec, graceMs, hookMsMin: programMsMin.hook, forced: this.#forced.signal, onHookFailed };
    await stopContainer(container, { ...how, clock, signal });
    slot.restarting = false;
  }

  #graceMs(): number {
    return (this.#context.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  #running(slot: Slot): Container | undefined {
    const newest = newestInstance(this.#context.record, slot);
    return newest?.ended === undefined ? newest : undefined;
  }

  #restartMs(slot: Slot, endedMs: number): number {
    return notBeforeMs(this.#restartBackOff.get(slot.spec.name), endedMs);
  }

  #crashLoop(slot: Slot): { reason: string; message: string } {
    const { metadata } = this.#context.pod();
    const delay = durationText(this.#restartBackOff.get(slot.spec.name)?.delayMs ?? 0);
    const pod = `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
    const message = `back-off ${delay} restarting failed container=${slot.spec.name} pod=${pod}`;
    return { reason: 'CrashLoopBackOff', message };
  }
}
