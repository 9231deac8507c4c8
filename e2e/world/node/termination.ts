import { type Clock, sleep } from '../../../shared/core/clock.ts';
import type { Container } from './container.ts';
import type { ContainerSpec } from './environment.ts';

/** Every container gets at least so long between SIGTERM and SIGKILL, however little of the grace period is left. */
const graceMsMin = 2_000;

export interface StopOptions {
  readonly spec: ContainerSpec;
  readonly graceMs: number;
  /** A hook is a real program, which a scaled clock makes no faster: it gets at least so long. */
  readonly hookMsMin: number;
  readonly clock: Clock;
  /** Aborted when no time is left at all: the pod was deleted by force. */
  readonly forced: AbortSignal;
  /** kubelet's own life: a kubelet that stops leaves the container as it is. */
  readonly signal: AbortSignal;
  readonly onHookFailed: (message: string) => void;
}

/**
 * Ends a running container as kubelet does: the preStop hook within the grace period (its failure changes nothing), then
 * SIGTERM, then SIGKILL when the rest of the grace period is over. A forced deletion runs no hook.
 */
export async function stopContainer(container: Container, options: StopOptions): Promise<void> {
  const { clock, graceMs, forced, signal } = options;
  const beganMs = clock.now();
  const preStop = options.spec.lifecycle?.preStop;
  if (preStop && graceMs > 0 && !forced.aborted) {
    await Promise.race([runHook(container, options), container.whenEnded, aborted(forced), aborted(signal)]);
  }
  if (container.ended !== undefined || signal.aborted) return;
  container.terminate();
  const wasForced = forced.aborted;
  const leftMs = wasForced ? 0 : graceMs - (clock.now() - beganMs);
  await waitFor(container, Math.max(leftMs, graceMsMin), options);
  if (container.ended === undefined && forced.aborted && !wasForced) await waitFor(container, graceMsMin, options);
  if (container.ended !== undefined || signal.aborted) return;
  container.kill();
  await container.whenEnded;
}

async function waitFor(container: Container, limitMs: number, options: StopOptions): Promise<void> {
  const over = new AbortController();
  const waits = [container.whenEnded, sleep(options.clock, limitMs, over.signal), aborted(options.signal)];
  if (!options.forced.aborted) waits.push(aborted(options.forced));
  await Promise.race(waits);
  over.abort();
}

async function runHook(container: Container, options: StopOptions): Promise<void> {
  const { spec, graceMs, hookMsMin, onHookFailed } = options;
  const { exec, sleep: pause } = spec.lifecycle?.preStop ?? {};
  if (pause) onHookFailed('the stand-in does not model the sleep hook');
  if (!exec?.command) return;
  const result = await container.exec(exec.command, Math.max(graceMs, hookMsMin));
  if (container.ended !== undefined) return;
  if (result.kind === 'timeout') onHookFailed('PreStopHook failed: not completed in grace period');
  else if (result.code !== 0)
    onHookFailed(`PreStopHook failed: exited with ${result.code}: ${result.output.slice(-512)}`);
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
