import type { Clock } from '../../../shared/core/clock.ts';
import type { ContainerPlace } from './container-place.ts';
import type { Ended } from './pod-picture.ts';
import { StartError, type WorldProcess } from './processes.ts';

/** kubelet takes the last so many bytes of a termination message, and of a log that stands in for one. */
const messageBytesMax = 4096;
const fallbackBytesMax = 2048;
const fallbackLinesMax = 80;
/** Characters of one instance's log that are kept for the tests. */
const logCharsMax = 64 * 1024;

export interface ContainerOptions {
  readonly id: string;
  readonly boot: number;
  /** 1 for the first instance of its name in the pod. */
  readonly attempt: number;
  readonly imageName: string;
  readonly imageID: string;
  readonly argv: readonly string[];
  readonly place: ContainerPlace;
  readonly fallBackToLog: boolean;
  readonly clock: Clock;
}

export type ExecResult =
  | { readonly kind: 'exited'; readonly code: number; readonly output: string }
  | { readonly kind: 'timeout' };

/** One instance of a container: its processes, its log, and how it ended. It outlives kubelet, not the node. */
export class Container {
  readonly id: string;
  /** Which boot of the node it was started in: one of an earlier boot belongs to a sandbox that is gone. */
  readonly boot: number;
  /** 1 for the first instance of its name in the pod. */
  readonly attempt: number;
  readonly imageName: string;
  readonly imageID: string;
  readonly startedMs: number;
  readonly whenEnded: Promise<void>;
  readonly #options: ContainerOptions;
  readonly #execs = new Set<WorldProcess>();
  #main: WorldProcess | undefined;
  #crashed = false;
  #ended: Ended | undefined;
  #log = '';
  #execLog = '';
  #resolveEnded: () => void = () => undefined;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.id = options.id;
    this.boot = options.boot;
    this.attempt = options.attempt;
    this.imageName = options.imageName;
    this.imageID = options.imageID;
    this.startedMs = options.clock.now();
    this.whenEnded = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get ended(): Ended | undefined {
    return this.#ended;
  }

  get log(): string {
    return this.#log;
  }

  /** Output of hooks and probes: kubelet shows it nowhere lasting, a failing test wants it. */
  get execLog(): string {
    return this.#execLog;
  }

  /** Runs the main process. A program that cannot be run ends the container with `StartError`, as containerd says it. */
  async start(): Promise<void> {
    try {
      this.#main = await this.#spawn(this.#options.argv, (text) => this.#append(text));
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#end({ exitCode: 128, reason: 'StartError', message: error.message, startedMs: 0 });
      return;
    }
    this.#main.exited.then((code) => this.#exited(code));
  }

  /** Runs a command beside the main process; it is killed after `limitMs` of the clock, and with the container. */
  async exec(argv: readonly string[], limitMs: number): Promise<ExecResult> {
    let output = '';
    let child: WorldProcess;
    try {
      child = await this.#spawn(argv, (text) => {
        output = (output + text).slice(-logCharsMax);
        this.#execLog = (this.#execLog + text).slice(-logCharsMax);
      });
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return { kind: 'exited', code: 126, output: error.message };
    }
    this.#execs.add(child);
    if (this.#ended !== undefined) child.kill();
    let timedOut = false;
    const cancel = this.#options.clock.after(limitMs, () => {
      timedOut = true;
      child.kill();
    });
    const code = await child.exited;
    cancel();
    this.#execs.delete(child);
    return timedOut ? { kind: 'timeout' } : { kind: 'exited', code, output };
  }

  /** SIGTERM to process 1, which gets it only when it handles it. */
  terminate(): void {
    this.#main?.signal('SIGTERM');
  }

  kill(): void {
    this.#main?.kill();
    for (const child of this.#execs) child.kill();
  }

  /** The node went down under it: afterwards the runtime knows only that it is gone. */
  crash(): void {
    if (this.#ended !== undefined) return;
    this.#crashed = true;
    this.kill();
  }

  #spawn(argv: readonly string[], onOutput: (text: string) => void): Promise<WorldProcess> {
    return this.#options.place.spawn(argv, onOutput);
  }

  async #exited(code: number): Promise<void> {
    for (const child of this.#execs) child.kill();
    const message = await this.#terminationMessage(code);
    const how = this.#crashed
      ? { exitCode: 255, reason: 'Unknown' }
      : { exitCode: code, reason: code === 0 ? 'Completed' : 'Error' };
    this.#end({ ...how, ...(message !== '' && { message }), startedMs: this.startedMs });
  }

  async #terminationMessage(code: number): Promise<string> {
    const written = await this.#options.place.terminationLog(messageBytesMax);
    if (written !== '' || code === 0 || !this.#options.fallBackToLog) return written;
    const tail = this.#log.slice(-fallbackBytesMax);
    return tail.split('\n').slice(-fallbackLinesMax).join('\n');
  }

  #append(text: string): void {
    this.#log = (this.#log + text).slice(-logCharsMax);
  }

  #end(how: Omit<Ended, 'containerID' | 'endedMs'>): void {
    this.#ended = { ...how, containerID: this.id, endedMs: this.#options.clock.now() };
    this.#resolveEnded();
  }
}
