import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from 'undici';
import { stringify } from 'yaml';
import { processHost } from '../../../shared/process/host.ts';
import { type Authority, makeAuthority } from '../api-server/certificates.ts';
import { type Lifeline, openLifeline } from '../control-plane/lifeline.ts';
import { onFreePorts } from '../control-plane/ports.ts';
import { type ServerProcess, startServer, untilReady } from '../control-plane/server-process.ts';
import { run } from '../debian/run.ts';
import { startTokenServer, type TokenServer, tokenIssuer, tokenService } from './token-server.ts';

const readyMs = 20_000;

export interface DockerRegistryOptions {
  /** The program, as `debianPrograms` found it. */
  program: string;
  /** Plain HTTP instead of TLS. */
  plain?: boolean;
  /** Names and passwords; without them everybody may do everything. */
  users?: Readonly<Record<string, string>>;
  /** `bearer`: by tokens of a realm of our own. */
  scheme?: 'basic' | 'bearer';
  /** Where blobs are fetched from instead: the registry redirects there, as it does with cloud storage. */
  redirectTo?: string;
}

export interface DockerRegistry {
  /** `localhost:<port>`, as in image names. */
  host: string;
  url: string;
  caPem: string;
  /** Where the authority stands as a file, for programs. */
  caFile: string;
  /** What it keeps, as files. */
  storage: string;
  tokens: TokenServer | undefined;
  /** All requests so far that were answered, as its access log has them. */
  requests(): { method: string; path: string; status: number }[];
  stop(): Promise<void>;
}

/** Starts Debian's docker-registry on loopback, in a folder of its own. It ends with this process. */
export async function startDockerRegistry(options: DockerRegistryOptions): Promise<DockerRegistry> {
  const authority = await makeAuthority('registry');
  const { users = {} } = options;
  const certificate = await authority.issue({ name: 'tokens', usage: 'server' });
  const tokens = options.scheme === 'bearer' ? await startTokenServer({ users, certificate }) : undefined;
  const release = processHost().keepAlive();
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const lifeline = openLifeline('registry');
      try {
        return await start({ ...options, authority, tokens, lifeline, port });
      } catch (error) {
        await lifeline.end();
        throw error;
      }
    });
  } catch (error) {
    await tokens?.stop();
    throw error;
  } finally {
    release();
  }
}

type Start = DockerRegistryOptions & {
  authority: Authority;
  tokens: TokenServer | undefined;
  lifeline: Lifeline;
  port: number;
};

async function start(options: Start): Promise<DockerRegistry> {
  const { authority, tokens, lifeline, port, program, plain } = options;
  const { folder } = lifeline;
  const server = await authority.issue({ name: 'registry', usage: 'server' });
  const caFile = join(folder, 'authority.crt');
  writeFileSync(caFile, authority.caPem);
  writeFileSync(join(folder, 'server.crt'), server.certificatePem);
  writeFileSync(join(folder, 'server.key'), server.keyPem, { mode: 0o600 });
  if (options.users !== undefined) writeFileSync(join(folder, 'htpasswd'), await htpasswd(options.users));
  writeFileSync(join(folder, 'config.yml'), stringify(configOf(options)));
  const process = startServer(lifeline, program, { arguments: ['serve', 'config.yml'], share: { memoryMiB: 100 } });
  const host = `localhost:${port}`;
  const url = `${plain ? 'http' : 'https'}://${host}`;
  await untilAnswers(process, url, authority.caPem);
  let stopped: Promise<unknown> | undefined;
  const stop = async () => {
    await process.stop();
    await Promise.all([lifeline.end(), tokens?.stop()]);
  };
  return {
    host,
    url,
    caPem: authority.caPem,
    caFile,
    storage: join(folder, 'storage'),
    tokens,
    requests: () => requestsIn(process.logPath),
    async stop() {
      stopped ??= stop();
      await stopped;
    },
  };
}

function configOf({ plain, users, tokens, redirectTo, port }: Start): object {
  const tls = { certificate: 'server.crt', key: 'server.key' };
  return {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: 'storage' }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: randomBytes(16).toString('hex'),
      ...(!plain && { tls }),
    },
    ...(redirectTo && { middleware: { storage: [{ name: 'redirect', options: { baseurl: redirectTo } }] } }),
    ...(users !== undefined && { auth: authOf(tokens) }),
  };
}

function authOf(tokens: TokenServer | undefined): object {
  if (tokens === undefined) return { htpasswd: { realm: 'registry', path: 'htpasswd' } };
  const { realm } = tokens;
  return { token: { realm, service: tokenService, issuer: tokenIssuer, rootcertbundle: 'authority.crt' } };
}

async function untilAnswers(server: ServerProcess, url: string, caPem: string): Promise<void> {
  const agent = new Agent({ connect: { ca: caPem } });
  try {
    await untilReady([server], url, readyMs, async () => {
      const answer = await agent.request({ origin: url, path: '/v2/', method: 'GET' });
      await answer.body.dump();
      return answer.statusCode === 200 || answer.statusCode === 401;
    });
  } finally {
    await agent.close();
  }
}

/**
 * The registry takes bcrypt only. Every Debian's perl can make it, by the system's crypt(3): no package more. Passwords
 * travel by the environment, which other users cannot read.
 */
async function htpasswd(users: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(users).map(async ([user, password]) => {
    // Cost 4 is the least that there is. 22 characters of salt, the last of which carries two bits.
    const SALT = `$2b$04$${randomBytes(11).toString('hex').slice(0, 21)}.`;
    const environment = { ...process.env, PASSWORD: password, SALT };
    return `${user}:${await run('perl', ['-e', 'print crypt($ENV{PASSWORD}, $ENV{SALT})'], { environment })}\n`;
  });
  return (await Promise.all(lines)).join('');
}

/** Lines as Apache writes them, among the registry's own. */
function requestsIn(logPath: string): { method: string; path: string; status: number }[] {
  const lines = readFileSync(logPath, 'utf8').matchAll(/"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) /g);
  return [...lines].map(([, method = '', path = '', status]) => ({ method, path, status: Number(status) }));
}
