import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

/** Label values of one measurement; each meter has a fixed set of keys. */
export type MeterLabels = Readonly<Record<string, string>>;

export interface Counter {
  add(labels?: MeterLabels, value?: number): void;
}

export interface Gauge {
  set(value: number, labels?: MeterLabels): void;
  /** Forgets one series: its subject is gone. */
  remove(labels: MeterLabels): void;
  /** Has one series read whenever it is looked at, until the returned function is called: then the series is gone. */
  follow(read: () => number, labels?: MeterLabels): () => void;
}

export interface Histogram {
  observe(value: number, labels?: MeterLabels): void;
}

/** What a meter is called and means. `labels` are the names of its labels. */
export interface MeterOptions {
  name: string;
  help: string;
  labels?: readonly string[];
}

/** Makes meters. The same name twice gives the same meter, so that parts need not share one. prom-client stands behind it. */
export interface Meters {
  counter(options: MeterOptions): Counter;
  gauge(options: MeterOptions): Gauge;
  histogram(options: MeterOptions & { buckets?: readonly number[] }): Histogram;
}

/** What every part that lives in time needs from outside (style rule 12). */
export interface Runtime {
  clock: Clock;
  /** 0 ≤ x < 1. */
  random: () => number;
  log: Log;
  meters: Meters;
}

export const silentMeters: Meters = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined, remove: () => undefined, follow: () => () => undefined }),
  histogram: () => ({ observe: () => undefined }),
};
