import { isRecord } from '../core/record.ts';
import type { Reference } from './reference.ts';

/** A name and password, and the registry (and path) that a docker configuration gives them for. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

export type DockerConfig =
  | { kind: 'logins'; logins: readonly { location: Location; login: Login }[] }
  | { kind: 'invalid'; message: string };

interface Location {
  /** Parts of the host between dots; each may hold `*`. */
  readonly host: readonly string[];
  readonly port: string;
  readonly path: string;
}

const bytesMax = 256 * 1024;
const entriesMax = 256;
const dockerHubHosts: readonly string[] = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/**
 * Reads a pull Secret's data (base64 values) as kubelet does: `.dockerconfigjson` with `auths`, or `.dockercfg` without.
 * Entries without a usable name and password are left out. The message never holds content of the Secret.
 */
export function parseDockerConfig(data: Readonly<Record<string, string>>): DockerConfig {
  const encoded = data['.dockerconfigjson'] ?? data['.dockercfg'];
  if (encoded === undefined) return invalid('expected data under .dockerconfigjson or .dockercfg');
  if (encoded.length > bytesMax) return invalid(`expected at most ${bytesMax} bytes`);
  const content = parseJson(Buffer.from(encoded, 'base64').toString('utf8'));
  const entries =
    data['.dockerconfigjson'] === undefined ? content : (content as { auths?: unknown } | undefined)?.auths;
  if (!isRecord(entries)) return invalid('expected JSON with one entry a registry');
  const logins = Object.entries(entries)
    .slice(0, entriesMax)
    .flatMap(([key, entry]) => {
      const login = loginOf(entry);
      return login === undefined ? [] : [{ location: locationOf(key), login }];
    });
  return { kind: 'logins', logins };
}

/**
 * The logins for an image, the most specific location first. The rules are kubelet's: as many host parts, each matching
 * by `*`, the same port, and a path that the repository begins with; the names of Docker Hub are one.
 */
export function loginsFor(config: DockerConfig, reference: Reference): readonly Login[] {
  if (config.kind === 'invalid') return [];
  const image = locationOf(`${reference.registry}/${reference.repository}`);
  const found = config.logins.filter(({ location }) => covers(location, image));
  found.sort((a, b) => specificity(b.location) - specificity(a.location));
  return found.map(({ login }) => login);
}

function covers(location: Location, image: Location): boolean {
  if (!(isDockerHub(location) && isDockerHub(image))) {
    if (location.host.length !== image.host.length || location.port !== image.port) return false;
    if (!location.host.every((part, index) => partMatches(part, image.host[index] ?? ''))) return false;
  }
  return image.path === location.path || image.path.startsWith(location.path === '' ? '' : `${location.path}/`);
}

function partMatches(pattern: string, part: string): boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return pattern === part;
  const [start = '', end = ''] = [pieces[0], pieces.at(-1)];
  if (part.length < start.length + end.length || !part.startsWith(start) || !part.endsWith(end)) return false;
  let rest = part.slice(start.length, part.length - end.length);
  for (const piece of pieces.slice(1, -1)) {
    const at = rest.indexOf(piece);
    if (at < 0) return false;
    rest = rest.slice(at + piece.length);
  }
  return true;
}

/** A longer path wins; with equal paths a host without `*`. */
function specificity({ host, path }: Location): number {
  return 2 * path.length + (host.some((part) => part.includes('*')) ? 0 : 1);
}

function isDockerHub({ host, port }: Location): boolean {
  return port === '' && dockerHubHosts.includes(host.join('.'));
}

/** `https://index.docker.io/v1/` means the whole host: old clients wrote the API version into the key. */
function locationOf(key: string): Location {
  const schemeless = key.replace(/^https?:\/\//, '');
  const slash = schemeless.indexOf('/');
  const authority = (slash < 0 ? schemeless : schemeless.slice(0, slash)).toLowerCase();
  const path = slash < 0 ? '' : schemeless.slice(slash + 1).replace(/^v[12](\/|$)/, '');
  const port = /:(\d+)$/.exec(authority)?.[1] ?? '';
  const host = port === '' ? authority : authority.slice(0, -port.length - 1);
  return { host: host.split('.'), port, path: path.replace(/\/+$/, '') };
}

function loginOf(entry: unknown): Login | undefined {
  if (!isRecord(entry)) return undefined;
  const { username, password, auth } = entry;
  if (typeof auth === 'string' && auth !== '') {
    const text = Buffer.from(auth, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    return colon <= 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  if (typeof username !== 'string' || username === '' || typeof password !== 'string') return undefined;
  return { username, password };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's message quotes the text, and the text is a secret: only the fact goes on.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function invalid(message: string): DockerConfig {
  return { kind: 'invalid', message };
}
