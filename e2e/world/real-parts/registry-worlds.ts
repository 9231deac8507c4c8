import { Agent } from 'undici';
import { systemClock } from '../../../shared/core/clock.ts';
import type { OciImage } from '../registry/oci-image.ts';
import { pushImage } from '../registry/push.ts';
import { startRegistry } from '../registry/server.ts';
import { startDockerRegistry } from './docker-registry.ts';

export interface RegistryWorldOptions {
  plain?: boolean;
  users?: Readonly<Record<string, string>>;
  scheme?: 'basic' | 'bearer';
}

/** A registry as the conformance tests see it, whoever plays it. */
export interface RegistryAtTest {
  host: string;
  url: string;
  caPem: string;
  /** Requests to the registry itself so far, as `METHOD path status`. */
  requests(): string[];
  push(repository: string, tag: string, image: OciImage): Promise<{ name: string; pinned: string }>;
  stop(): Promise<void>;
}

export interface RegistryWorld {
  name: string;
  start(options?: RegistryWorldOptions): Promise<RegistryAtTest>;
}

export const standIn: RegistryWorld = {
  name: 'the stand-in',
  async start({ users, ...options } = {}) {
    const registry = await startRegistry({ clock: systemClock, ...options, ...(users && { users: { ...users } }) });
    const { host, url, caPem } = registry;
    return {
      host,
      url,
      caPem,
      requests: () => registry.requests.map(({ method, path, status }) => `${method} ${path} ${status}`),
      async push(repository, tag, image) {
        const login = firstLogin(users);
        const realm = options.scheme === 'bearer' && login !== undefined;
        const authorization = realm
          ? `Bearer ${await tokenOf(registry, repository, basic(login))}`
          : login && basic(login);
        return pushImage(registry, { repository, tag, ...(authorization && { authorization }) }, image);
      },
      stop: () => registry.stop(),
    };
  },
};

/** Debian's. `program` is what `debianPrograms` found. */
export function dockerRegistry(program: () => string): RegistryWorld {
  return {
    name: 'docker-registry',
    async start(options = {}) {
      const registry = await startDockerRegistry({ program: program(), ...options });
      // Its own question whether it is there yet is none of the test's.
      const before = registry.requests().length;
      const { host, url, caPem, tokens } = registry;
      return {
        host,
        url,
        caPem,
        requests: () =>
          registry
            .requests()
            .slice(before)
            .map(({ method, path, status }) => `${method} ${path} ${status}`),
        push(repository, tag, image) {
          const login = firstLogin(options.users);
          const grants = [{ repository, actions: ['pull', 'push'] }];
          const bearer = tokens && login && `Bearer ${tokens.token(login.user, grants)}`;
          const authorization = bearer ?? (login && basic(login));
          return pushImage(registry, { repository, tag, ...(authorization && { authorization }) }, image);
        },
        stop: () => registry.stop(),
      };
    },
  };
}

interface RegistryLogin {
  user: string;
  password: string;
}

function firstLogin(users: Readonly<Record<string, string>> | undefined): RegistryLogin | undefined {
  const [first] = Object.entries(users ?? {});
  return first && { user: first[0], password: first[1] };
}

function basic({ user, password }: RegistryLogin): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

async function tokenOf(
  registry: { url: string; caPem: string },
  repository: string,
  authorization: string,
): Promise<string> {
  const path = `/token?scope=repository:${repository}:pull,push`;
  const agent = new Agent({ connect: { ca: registry.caPem } });
  try {
    const answer = await agent.request({
      origin: registry.url,
      path,
      method: 'GET',
      headers: { authorization },
    });
    return ((await answer.body.json()) as { token: string }).token;
  } finally {
    await agent.close();
  }
}
