import assert from 'node:assert/strict';
import type { ModuleSpec } from '@open-cluster-management/api-types';
import fc from 'fast-check';
import { PrometheusMeters } from '../process/metrics.ts';
import { parseExposition, seriesValue } from '../testing/exposition.ts';
import { type CountedModule, ModuleMeters } from './module-meters.ts';

interface Features {
  build?: 'container' | 'mapping' | undefined;
  sign?: 'container' | 'mapping' | undefined;
  plugin?: boolean;
  args?: readonly string[] | undefined;
  rawArgs?: readonly string[] | undefined;
}

function moduleOf(name: string, features: Features = {}): CountedModule {
  const at = (place: 'container' | 'mapping') => ({
    ...(features.build === place && { build: { dockerfileConfigMap: { name: 'd' } } }),
    ...(features.sign === place && { sign: { keySecret: { name: 'k' }, certSecret: { name: 'c' } } }),
  });
  const modprobe = {
    ...(features.args && { args: { load: features.args } }),
    ...(features.rawArgs && { rawArgs: { load: features.rawArgs } }),
  };
  const kernelMappings = [{ literal: 'other' }, { literal: 'k', ...at('mapping') }];
  const spec = {
    selector: {},
    moduleLoader: { container: { modprobe, kernelMappings, ...at('container') } },
    ...(features.plugin && { devicePlugin: { container: { image: 'p' } } }),
  };
  return { name, namespace: 'n', spec: spec as unknown as ModuleSpec };
}

const numbers = ['kmm_module_num', 'kmm_in_cluster_build_num', 'kmm_in_cluster_sign_num', 'kmm_device_plugin_num'];

function harness() {
  const meters = new PrometheusMeters();
  const page = async () => (await meters.exposition()).body;
  return {
    modules: new ModuleMeters(meters),
    counts: async () => {
      const body = await page();
      return numbers.map((name) => seriesValue(body, name));
    },
    series: async (name: string) =>
      parseExposition(await page())
        .get(name)
        ?.samples.map(({ labels }) => labels),
  };
}

describe('the metrics of Modules', () => {
  it('are there and 0 before there is a Module', async () => {
    assert.deepEqual(await harness().counts(), [0, 0, 0, 0]);
  });

  it('count Modules, builds, signatures and device plugins, wherever in the spec they are asked for [199]', async () => {
    const { modules, counts } = harness();
    modules.change(undefined, moduleOf('a', { build: 'container', plugin: true }));
    modules.change(undefined, moduleOf('b', { build: 'mapping', sign: 'container' }));
    modules.change(undefined, moduleOf('c', { sign: 'mapping' }));
    modules.change(undefined, { name: 'd', namespace: 'n', spec: { selector: {} } });
    modules.change(undefined, { name: 'e', namespace: 'n', spec: undefined });
    assert.deepEqual(await counts(), [5, 2, 2, 1]);
  });

  it('name the arguments of modprobe, and forget them with an edit [199]', async () => {
    const { modules, series } = harness();
    const first = moduleOf('a', { args: ['-v', '--first-time'] });
    const second = moduleOf('a', { rawArgs: ['-d', '/opt', 'x="y,z"'] });
    modules.change(undefined, first);
    assert.deepEqual(await series('kmm_modprobe_args'), [
      { name: 'a', namespace: 'n', modprobeArgs: '-v,--first-time' },
    ]);
    modules.change(first, second);
    assert.deepEqual(await series('kmm_modprobe_args'), []);
    assert.deepEqual(await series('kmm_modprobe_raw_args'), [
      { name: 'a', namespace: 'n', modprobeRawArgs: '-d,/opt,x="y,z"' },
    ]);
  });

  it('say after any sequence of changes what is there now, down to nothing at all [T32]', async () => {
    const place = fc.constantFrom(undefined, 'container' as const, 'mapping' as const);
    const args = fc.constantFrom(undefined, ['-v'], ['a', 'b']);
    const features = fc.record({ build: place, sign: place, plugin: fc.boolean(), args, rawArgs: args });
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), features: fc.option(features) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { modules, counts, series } = harness();
        const present = new Map<string, { features: Features; module: CountedModule }>();
        const tell = (name: string, next: Features | null) => {
          const module = next === null ? undefined : moduleOf(name, next);
          modules.change(present.get(name)?.module, module);
          if (next === null || module === undefined) present.delete(name);
          else present.set(name, { features: next, module });
        };
        for (const { name, features } of steps) tell(name, features);
        const all = [...present.values()].map((each) => each.features);
        const having = (key: keyof Features) => all.filter((each) => each[key]).length;
        assert.deepEqual(await counts(), [all.length, having('build'), having('sign'), having('plugin')]);
        assert.equal((await series('kmm_modprobe_args'))?.length, having('args'));
        for (const name of [...present.keys()]) tell(name, null);
        assert.deepEqual(await counts(), [0, 0, 0, 0]);
        for (const name of ['kmm_modprobe_args', 'kmm_modprobe_raw_args']) assert.deepEqual(await series(name), []);
      }),
      { numRuns: 100 },
    );
  });
});
