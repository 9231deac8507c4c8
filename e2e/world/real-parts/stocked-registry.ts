import { systemClock } from '../../../shared/core/clock.ts';
import { RegistryClient } from '../../../shared/registry/client.ts';
import { parseReference } from '../../../shared/registry/reference.ts';
import type { DebianPrograms } from '../debian/programs.ts';
import { pushImage } from '../registry/push.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { sampleSources } from './sample-driver.ts';
import { prepareToolkit, pushToolkit } from './toolkit-image.ts';

/** A real registry that holds all that the sample driver is built from. */
export interface StockedRegistry {
  readonly registry: DockerRegistry;
  /** Kernels that it has a toolkit for. */
  readonly kernels: readonly string[];
  /** Image names: compiler and headers for a kernel, what module images are based on, the sample's sources. */
  readonly toolkit: (kernel: string) => string;
  readonly base: string;
  readonly sources: string;
  stop(): Promise<void>;
}

export async function startStockedRegistry(options: {
  programs: Extract<DebianPrograms, { kind: 'there' }>;
  login: { readonly user: string; readonly password: string };
}): Promise<StockedRegistry> {
  const { programs, login } = options;
  const toolkit = await prepareToolkit(programs.pathOf('debootstrap'));
  const users = { [login.user]: login.password };
  const registry = await startDockerRegistry({ program: programs.pathOf('docker-registry'), users });
  try {
    const parsed = parseReference(`${registry.host}/toolkit:base`);
    if (parsed.kind === 'invalid') throw new Error(parsed.message);
    const { reference } = parsed;
    const client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
    const tls = { insecure: false, insecureSkipTLSVerify: false };
    const credential = { username: login.user, password: login.password, insecureAllowed: false };
    await pushToolkit(client, { reference, tls, credentials: [credential] }, toolkit);
    await client.close();
    const { name: sources } = await pushImage(
      registry,
      { repository: 'source', tag: '1', login },
      await sampleSources(),
    );
    return {
      registry,
      kernels: toolkit.kernels,
      toolkit: (kernel) => `${registry.host}/toolkit:${kernel}`,
      base: `${registry.host}/toolkit:base`,
      sources,
      stop: () => registry.stop(),
    };
  } catch (error) {
    await registry.stop();
    throw error;
  }
}
