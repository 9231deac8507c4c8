import type { ModuleSpec } from '@open-cluster-management/api-types';
import { shortened } from '../core/conditions.ts';
import { limits } from '../core/limits.ts';
import type { Cache } from '../kube/cache.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Gauge, MeterLabels, Meters } from '../kube/runtime.ts';

/** What is counted: a Module on a spoke, on the hub what a ManagedClusterModule makes of one. */
export interface CountedModule {
  name: string;
  namespace: string;
  /** Undefined where an older CRD let an object in that has none. */
  spec: ModuleSpec | undefined;
}

/** Yes-or-no features, each counted under the peer's name for it. */
const features = {
  module: () => true,
  build: (spec) => imageSources(spec).some(({ build }) => build !== undefined),
  sign: (spec) => imageSources(spec).some(({ sign }) => sign !== undefined),
  devicePlugin: (spec) => spec?.devicePlugin !== undefined,
} satisfies Record<string, (spec: ModuleSpec | undefined) => boolean>;
type Feature = keyof typeof features;
const featureNames = Object.keys(features) as Feature[];

/**
 * The peer's metrics of Modules. Fed with each change of a cache, so they are right while a Module is being deleted, after
 * the last one is gone, and after an edit: the series of arguments that are no longer given vanish (the peer's stay).
 */
export class ModuleMeters {
  readonly #counts: Record<Feature, number> = { module: 0, build: 0, sign: 0, devicePlugin: 0 };
  readonly #gauges: Record<Feature, Gauge>;
  readonly #args: Gauge;
  readonly #rawArgs: Gauge;

  constructor(meters: Meters) {
    this.#gauges = {
      module: meters.gauge({ name: 'kmm_module_num', help: 'Modules' }),
      build: meters.gauge({ name: 'kmm_in_cluster_build_num', help: 'Modules with a build anywhere' }),
      sign: meters.gauge({ name: 'kmm_in_cluster_sign_num', help: 'Modules with a signature anywhere' }),
      devicePlugin: meters.gauge({ name: 'kmm_device_plugin_num', help: 'Modules with a device plugin' }),
    };
    this.#args = meters.gauge({
      name: 'kmm_modprobe_args',
      help: 'Always 1: the arguments that a Module gives to modprobe for loading, joined by commas',
      labels: ['name', 'namespace', 'modprobeArgs'],
    });
    this.#rawArgs = meters.gauge({
      name: 'kmm_modprobe_raw_args',
      help: 'Always 1: the whole argument list that a Module gives to modprobe for loading, joined by commas',
      labels: ['name', 'namespace', 'modprobeRawArgs'],
    });
    for (const feature of featureNames) this.#gauges[feature].set(0);
  }

  /** One change of one Module: what it was and what it is, undefined when it was not there or is no more. */
  change(previous: CountedModule | undefined, current: CountedModule | undefined): void {
    for (const feature of featureNames) {
      this.#counts[feature] += count(feature, current) - count(feature, previous);
      this.#gauges[feature].set(this.#counts[feature]);
    }
    if (previous !== undefined) {
      for (const labels of argsSeries(previous)) this.#args.remove(labels);
      for (const labels of rawArgsSeries(previous)) this.#rawArgs.remove(labels);
    }
    if (current === undefined) return;
    for (const labels of argsSeries(current)) this.#args.set(1, labels);
    for (const labels of rawArgsSeries(current)) this.#rawArgs.set(1, labels);
  }
}

/** Feeds the metrics with all that `cache` holds and will hold. */
export function countModules<T extends KubeObject>(
  cache: Pick<Cache<T>, 'subscribe'>,
  meters: Meters,
  counted: (object: T) => CountedModule,
): void {
  const modules = new ModuleMeters(meters);
  cache.subscribe(({ previous, current }) =>
    modules.change(previous && counted(previous), current && counted(current)),
  );
}

function count(feature: Feature, module: CountedModule | undefined): number {
  return module !== undefined && features[feature](module.spec) ? 1 : 0;
}

function imageSources(spec: ModuleSpec | undefined) {
  const container = spec?.moduleLoader?.container;
  return container === undefined ? [] : [container, ...(container.kernelMappings ?? [])];
}

/** As many series as Modules. Their values are texts of specs: one line of bounded length. */
function argsSeries({ name, namespace, spec }: CountedModule): MeterLabels[] {
  const given = spec?.moduleLoader?.container?.modprobe?.args?.load;
  return given === undefined ? [] : [{ name, namespace, modprobeArgs: joined(given) }];
}

function rawArgsSeries({ name, namespace, spec }: CountedModule): MeterLabels[] {
  const given = spec?.moduleLoader?.container?.modprobe?.rawArgs?.load;
  return given === undefined ? [] : [{ name, namespace, modprobeRawArgs: joined(given) }];
}

function joined(given: readonly string[]): string {
  return shortened(given.join(','), limits.stringCharsMax);
}
