import { type Clock, sleep } from '../../../shared/core/clock.ts';
import type { Container } from './container.ts';
import type { ContainerSpec } from './environment.ts';

type Probe = NonNullable<ContainerSpec['readinessProbe']>;
type ProbeKind = 'startup' | 'readiness' | 'liveness';

export interface ProbesOptions {
  readonly spec: ContainerSpec;
  readonly container: Container;
  readonly clock: Clock;
  /** Probes run real programs, which a scaled clock makes no faster: no probe gets less time of the clock than this. */
  readonly timeoutMsMin: number;
  readonly initial: { readonly ready: boolean; readonly started: boolean };
  readonly onChange: () => void;
  readonly onFailure: (kind: ProbeKind, message: string) => void;
  /** Startup or liveness failed as often as they may: the container is to be restarted. */
  readonly onDead: (message: string) => void;
}

/**
 * The probes of one container instance, exec ones; the first is made at once after `initialDelaySeconds`. Readiness and
 * liveness wait for startup. A container without a readiness probe is ready while it runs.
 */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #all = new AbortController();
  readonly #deadly = new AbortController();
  #ready: boolean;
  #started: boolean;

  constructor(options: ProbesOptions) {
    this.#options = options;
    const { readinessProbe, startupProbe } = options.spec;
    this.#ready = readinessProbe ? options.initial.ready : true;
    this.#started = startupProbe ? options.initial.started : true;
    options.container.whenEnded.then(() => this.stop());
    this.#begin();
  }

  get ready(): boolean {
    return this.#ready && this.#started;
  }

  get started(): boolean {
    return this.#started;
  }

  /** A pod that is ending is no longer restarted; its readiness is looked at until the container is gone. */
  stopDeadly(): void {
    this.#deadly.abort();
  }

  stop(): void {
    this.#deadly.abort();
    this.#all.abort();
  }

  #begin(): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.#options.spec;
    const rest = () => {
      if (readinessProbe) void this.#loop('readiness', readinessProbe, (ready) => this.#setReady(ready));
      if (livenessProbe) void this.#loop('liveness', livenessProbe, (alive) => this.#judge('liveness', alive));
    };
    if (!startupProbe || this.#started) rest();
    else
      void this.#loop('startup', startupProbe, (up) => {
        this.#judge('startup', up);
        if (!up) return;
        this.#started = true;
        this.#options.onChange();
        rest();
      });
  }

  /** Reports each result that was seen as often in a row as its threshold asks; startup ends with its first success. */
  async #loop(kind: ProbeKind, probe: Probe, onResult: (success: boolean) => void): Promise<void> {
    const { clock, container } = this.#options;
    const { signal } = kind === 'readiness' ? this.#all : this.#deadly;
    await sleep(clock, container.startedMs + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now(), signal);
    let run = { success: false, length: 0 };
    while (!signal.aborted) {
      const success = await this.#probe(kind, probe);
      if (signal.aborted) return;
      run = { success, length: run.success === success ? run.length + 1 : 1 };
      const threshold = success ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
      if (run.length >= threshold) onResult(success);
      if (kind === 'startup' && success) return;
      await sleep(clock, (probe.periodSeconds ?? 10) * 1000, signal);
    }
  }

  async #probe(kind: ProbeKind, probe: Probe): Promise<boolean> {
    const { container, onFailure, timeoutMsMin } = this.#options;
    // Programs of the world have no network of their own: other probes than exec count as answered.
    if (!probe.exec?.command) return true;
    const limitMs = Math.max((probe.timeoutSeconds ?? 1) * 1000, timeoutMsMin);
    const result = await container.exec(probe.exec.command, limitMs);
    if (result.kind === 'exited' && result.code === 0) return true;
    if (container.ended !== undefined || this.#all.signal.aborted) return false;
    const why = result.kind === 'timeout' ? `timed out after ${limitMs / 1000}s` : result.output.trim().slice(-512);
    onFailure(kind, `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: ${why}`);
    return false;
  }

  #setReady(ready: boolean): void {
    if (this.#ready === ready) return;
    this.#ready = ready;
    this.#options.onChange();
  }

  #judge(kind: ProbeKind, alive: boolean): void {
    if (alive || this.#deadly.signal.aborted) return;
    this.#deadly.abort();
    const { name } = this.#options.spec;
    this.#options.onDead(`Container ${name} failed ${kind} probe, will be restarted`);
  }
}
