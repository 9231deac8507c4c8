import { assert } from '../core/assert.ts';
import type * as seam from '../kube/runtime.ts';
import { Counter, Gauge, Histogram, Registry } from './prometheus.ts';

/** Meters in a registry of their own, never the module's global one: tests and journeys run several programs in one process. */
export class PrometheusMeters implements seam.Meters {
  #registry = new Registry();
  /** What is read at each look, by the gauge's name and the series' labels. */
  #followed = new Map<string, Map<string, { labels: seam.MeterLabels; read: () => number }>>();

  constructor() {
    const registers = [this.#registry];
    new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory in bytes',
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'User and system CPU time in seconds',
      registers,
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
  }

  counter(options: seam.MeterOptions): seam.Counter {
    const counter = this.#meter(options, Counter, () => new Counter(this.#settings(options)));
    return { add: (labels = {}, value = 1) => counter.inc({ ...labels }, value) };
  }

  gauge(options: seam.MeterOptions): seam.Gauge {
    const gauge = this.#meter(options, Gauge, () => this.#newGauge(options));
    return {
      set: (value, labels = {}) => gauge.set({ ...labels }, value),
      remove: (labels) => gauge.remove({ ...labels }),
      follow: (read, labels = {}) => {
        const key = JSON.stringify(labels);
        const series = { labels, read };
        const followed = this.#followed.get(options.name);
        followed?.set(key, series);
        return () => {
          // Who follows the series now is not to be disturbed: a program that was started again.
          if (followed?.get(key) !== series) return;
          followed.delete(key);
          gauge.remove({ ...labels });
        };
      },
    };
  }

  histogram(options: seam.MeterOptions & { buckets?: readonly number[] }): seam.Histogram {
    const settings = { ...this.#settings(options), ...(options.buckets && { buckets: [...options.buckets] }) };
    const histogram = this.#meter(options, Histogram, () => new Histogram(settings));
    return { observe: (value, labels = {}) => histogram.observe({ ...labels }, value) };
  }

  /** The text that Prometheus scrapes, and its content type. */
  async exposition(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #newGauge(options: seam.MeterOptions): Gauge {
    const followed = new Map<string, { labels: seam.MeterLabels; read: () => number }>();
    this.#followed.set(options.name, followed);
    return new Gauge({
      ...this.#settings(options),
      collect() {
        for (const { labels, read } of followed.values()) this.set({ ...labels }, read());
      },
    });
  }

  #settings({ name, help, labels = [] }: seam.MeterOptions) {
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }

  #meter<T>(options: seam.MeterOptions, type: abstract new (...parameters: never[]) => T, make: () => T): T {
    const present: unknown = this.#registry.getSingleMetric(options.name);
    if (present === undefined) return make();
    assert(present instanceof type, `meter ${options.name} exists as another type`);
    return present;
  }
}
