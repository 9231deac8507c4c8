/** An image name taken apart, canonical: `nginx` is `docker.io/library/nginx`. */
export interface Reference {
  /** Host, with port if one was given. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

export type ParsedReference = { kind: 'reference'; reference: Reference } | { kind: 'invalid'; message: string };

const dockerHub = 'docker.io';
/** Docker Hub answers its distribution API under another host than its images are named by. */
const dockerHubApi = 'registry-1.docker.io';

const textCharsMax = 1024;
const nameCharsMax = 255;

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const hostPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$`);
const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/**
 * Parses an image name as container runtimes do: the first part is a host when it holds a dot or a colon or is
 * `localhost`, else the image is Docker Hub's. Never throws. Tag and digest may both be absent.
 */
export function parseReference(text: string): ParsedReference {
  const invalid = (what: string): ParsedReference => ({ kind: 'invalid', message: `image ${quoted(text)}: ${what}` });
  if (text.length > textCharsMax) return invalid(`expected at most ${textCharsMax} characters, got ${text.length}`);
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  // A colon of the first part can only be a port when a path follows: `localhost:5000` alone is image and tag.
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const { registry, repository } = splitName(colon < 0 ? named : named.slice(0, colon));
  // The pattern says what a host looks like; only the parser knows that 999.0.0.1 and port 70000 are none.
  if (!hostPattern.test(registry) || !URL.canParse(`https://${registry}`))
    return invalid(`expected a registry host, got ${quoted(registry)}`);
  if (!repositoryPattern.test(repository)) return invalid('expected a repository of lower-case parts');
  if (registry.length + 1 + repository.length > nameCharsMax)
    return invalid(`expected a name of ${nameCharsMax} at most`);
  if (tag !== undefined && !tagPattern.test(tag)) return invalid(`expected a tag, got ${quoted(tag)}`);
  if (digest !== undefined && !digestPattern.test(digest)) return invalid(`expected a digest, got ${quoted(digest)}`);
  const reference = {
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
  return { kind: 'reference', reference };
}

/** `registry/repository[:tag][@digest]`; parsing it gives `reference` again. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The name that always means the same content: repository and digest, never a tag (contract 3). */
export function pinnedReference({ registry, repository }: Reference, digest: string): string {
  return formatReference({ registry, repository, digest });
}

/** Where the distribution API of the reference's registry is. */
export function apiHost({ registry }: Reference): string {
  return registry === dockerHub ? dockerHubApi : registry;
}

export function isDigest(text: string | undefined): text is string {
  return text !== undefined && digestPattern.test(text);
}

function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const registry = isHost ? first : dockerHub;
  const path = isHost ? name.slice(slash + 1) : name;
  if (registry !== dockerHub && registry !== 'index.docker.io') return { registry, repository: path };
  return { registry: dockerHub, repository: path.includes('/') ? path : `library/${path}` };
}

function quoted(text: string): string {
  return JSON.stringify(text.length <= 80 ? text : `${text.slice(0, 79)}…`);
}
