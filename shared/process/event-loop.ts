import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meters } from '../kube/runtime.ts';

/** A timer that fires so often measures how late it is: what is shorter is not seen, and each firing costs a wake-up. */
const resolutionMs = 20;

/** Has the delay of the event loop measured, for programs whose work grows with the fleet. Ends with what it gives back. */
export function measureEventLoop(meters: Meters): () => void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  const gauge = meters.gauge({
    name: 'kmm_event_loop_delay_seconds',
    help: 'How late the event loop was since the last look at this page: of 100 times the 99th (0.99), and the worst (1)',
    labels: ['quantile'],
  });
  // Intervals are what is recorded: the timer's own is no delay.
  const secondsOf = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3);
  const stops = [
    gauge.follow(() => secondsOf(histogram.percentile(99)), { quantile: '0.99' }),
    gauge.follow(
      () => {
        const worst = secondsOf(histogram.max);
        // The last of the two that is read.
        histogram.reset();
        return worst;
      },
      { quantile: '1' },
    ),
  ];
  return () => {
    histogram.disable();
    for (const stop of stops) stop();
  };
}
