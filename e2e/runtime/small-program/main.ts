import { done } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { configMaps } from '../../../shared/kube/resources.ts';
import { programConfigSchema, programEnvironmentSchema } from '../../../shared/process/config.ts';
import { type Program, runProgram } from '../../../shared/process/program.ts';

/** The smallest program: it watches ConfigMaps and says each that it sees. Tests run it in their process, and as its own. */
export function smallProgram(): Program<typeof programConfigSchema._output, typeof programEnvironmentSchema._output> {
  return {
    name: 'small-program',
    version: '1',
    leaseName: 'small-program',
    configSchema: programConfigSchema,
    environmentSchema: programEnvironmentSchema,
    requirements: () => [{ resource: configMaps }],
    async start({ client, runtime, signal }) {
      const cache = new Cache({ client, runtime, resource: configMaps });
      const source = watching(cache, ({ current }) => (current === undefined ? [] : [current.metadata.name]));
      const reconcile = async (key: string) => {
        runtime.log.info({ key }, 'seen');
        return done;
      };
      const running = startController({ name: 'small', sources: [source], reconcile }, runtime, signal);
      cache.start(signal);
      return { synced: () => cache.synced, stopped: running.stopped };
    },
  };
}

if (import.meta.main) process.exit(await runProgram(smallProgram()));
