import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { errorMessage } from '../core/errors.ts';
import type { CredentialSource, ExecConfig } from './credentials.ts';

/** Where the address and the credentials of a cluster come from. */
export type KubeconfigSource =
  /** A kubeconfig file, or several joined as in `KUBECONFIG`: then the first that has the context's name wins. */
  | { path: string; context?: string | undefined }
  | { text: string; context?: string | undefined }
  /** The service account of the pod that we run in. `folder` is for tests. */
  | { inCluster: true; environment: Readonly<Record<string, string | undefined>>; folder?: string };

/** What a transport needs to know of a cluster; PEM texts, not paths. */
export interface ClusterAccess {
  server: string;
  ca: string | undefined;
  insecureSkipTlsVerify: boolean;
  tlsServerName: string | undefined;
  proxyUrl: string | undefined;
  clientCertificate: { cert: string; key: string } | undefined;
  credentials: CredentialSource;
  /** The namespace of the context. */
  namespace: string | undefined;
}

/** A kubeconfig that cannot be used; the message says where and why, and never holds a secret. */
export class KubeconfigError extends Error {
  override name = 'KubeconfigError';
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Reads the address and credentials of a cluster. Throws `KubeconfigError`. */
export function loadKubeconfig(source: KubeconfigSource): ClusterAccess {
  if ('inCluster' in source) return inCluster(source.environment, source.folder ?? serviceAccountFolder);
  if ('text' in source) return select([parsed(source.text, 'the kubeconfig text')], source.context);
  const paths = source.path.split(delimiter).filter((path) => path !== '');
  const files = paths.length > 1 ? paths.filter(existsSync) : paths;
  if (files.length === 0) throw new KubeconfigError(`kubeconfig: none of ${source.path} exists`);
  return select(
    files.map((path) => parsed(readText(path, 'kubeconfig'), path)),
    source.context,
  );
}

const text = z.string().min(1);
const named = <T extends z.ZodType>(key: string, value: T) => z.array(z.looseObject({ name: text, [key]: value }));
const clusterSchema = z.looseObject({
  server: z.url({ protocol: /^https?$/ }),
  'certificate-authority': text.optional(),
  'certificate-authority-data': z.base64().min(1).optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': text.optional(),
  'proxy-url': z.url({ protocol: /^https?$/ }).optional(),
});
const execSchema = z.looseObject({
  apiVersion: text,
  command: text,
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: text, value: z.string() })).nullish(),
});
const userSchema = z.looseObject({
  'client-certificate': text.optional(),
  'client-certificate-data': z.base64().min(1).optional(),
  'client-key': text.optional(),
  'client-key-data': z.base64().min(1).optional(),
  token: z.string().optional(),
  tokenFile: text.optional(),
  username: text.optional(),
  password: z.string().optional(),
  exec: execSchema.optional(),
  'auth-provider': z.unknown().optional(),
});
const contextSchema = z.looseObject({ cluster: text, user: text.optional(), namespace: z.string().optional() });
const kubeconfigSchema = z.looseObject({
  'current-context': z.string().optional(),
  clusters: named('cluster', clusterSchema).nullish(),
  users: named('user', userSchema).nullish(),
  contexts: named('context', contextSchema).nullish(),
});
type Cluster = z.infer<typeof clusterSchema>;
type User = z.infer<typeof userSchema>;

interface Kubeconfig {
  place: string;
  /** Paths in it are relative to it. */
  folder: string;
  content: z.infer<typeof kubeconfigSchema>;
}

function parsed(yamlText: string, place: string): Kubeconfig {
  let value: unknown;
  try {
    value = parse(yamlText, { maxAliasCount: 0 });
  } catch (error) {
    throw new KubeconfigError(`kubeconfig: ${place} is no YAML: ${errorMessage(error).split('\n')[0]}`);
  }
  const result = kubeconfigSchema.safeParse(value ?? {});
  if (result.success) return { place, folder: dirname(resolve(place)), content: result.data };
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
  throw new KubeconfigError(`kubeconfig: ${place}: ${problems.join('; ')}`);
}

function select(files: readonly Kubeconfig[], contextName: string | undefined): ClusterAccess {
  const place = files.map((file) => file.place).join(delimiter);
  const name = contextName ?? files.map((file) => file.content['current-context']).find(Boolean);
  if (name === undefined) throw new KubeconfigError(`kubeconfig: ${place} sets no current-context`);
  const context = find(files, 'contexts', name)?.entry['context'] as z.infer<typeof contextSchema> | undefined;
  if (context === undefined) throw new KubeconfigError(`kubeconfig: ${place} has no context "${name}"`);
  const cluster = find(files, 'clusters', context.cluster);
  if (cluster === undefined) throw new KubeconfigError(`kubeconfig: ${place} has no cluster "${context.cluster}"`);
  const user = context.user === undefined ? undefined : find(files, 'users', context.user);
  if (context.user !== undefined && user === undefined) {
    throw new KubeconfigError(`kubeconfig: ${place} has no user "${context.user}"`);
  }
  return {
    ...addressOf(cluster.entry['cluster'] as Cluster, cluster.folder),
    ...identityOf((user?.entry['user'] ?? {}) as User, user?.folder ?? '', context.user ?? ''),
    namespace: context.namespace || undefined,
  };
}

function find(files: readonly Kubeconfig[], list: 'contexts' | 'clusters' | 'users', name: string) {
  for (const { content, folder } of files) {
    const entry = content[list]?.find((candidate) => candidate.name === name);
    if (entry !== undefined) return { entry: entry as Record<string, unknown>, folder };
  }
  return undefined;
}

function addressOf(cluster: Cluster, folder: string) {
  return {
    server: cluster.server.replace(/\/+$/, ''),
    ca: pem(cluster['certificate-authority-data'], cluster['certificate-authority'], folder),
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] ?? false,
    tlsServerName: cluster['tls-server-name'],
    proxyUrl: cluster['proxy-url'],
  };
}

function identityOf(user: User, folder: string, name: string) {
  const cert = pem(user['client-certificate-data'], user['client-certificate'], folder);
  const key = pem(user['client-key-data'], user['client-key'], folder);
  if ((cert === undefined) !== (key === undefined)) {
    throw new KubeconfigError(`kubeconfig: user "${name}" has only one of client certificate and client key`);
  }
  const clientCertificate = cert !== undefined && key !== undefined ? { cert, key } : undefined;
  return { clientCertificate, credentials: credentialsOf(user, folder, name) };
}

function credentialsOf(user: User, folder: string, name: string): CredentialSource {
  if (user['auth-provider'] !== undefined) {
    throw new KubeconfigError(`kubeconfig: user "${name}" uses auth-provider; use a token, a certificate or exec`);
  }
  // As kubectl: a token file wins over a token, because it is the one that is renewed.
  if (user.tokenFile !== undefined) return { kind: 'tokenFile', path: resolve(folder, user.tokenFile) };
  if (user.token) return { kind: 'token', token: user.token };
  if (user.username !== undefined) return { kind: 'basic', username: user.username, password: user.password ?? '' };
  if (user.exec !== undefined) return { kind: 'exec', exec: execOf(user.exec, folder) };
  return { kind: 'none' };
}

function execOf(exec: z.infer<typeof execSchema>, folder: string): ExecConfig {
  const env = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]));
  // A command with a slash is relative to the file, another one is looked up in PATH.
  const command = exec.command.includes('/') ? resolve(folder, exec.command) : exec.command;
  return { apiVersion: exec.apiVersion, command, args: exec.args ?? [], env };
}

function pem(data: string | undefined, path: string | undefined, folder: string): string | undefined {
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  return path === undefined ? undefined : readText(resolve(folder, path), 'kubeconfig');
}

function inCluster(environment: Readonly<Record<string, string | undefined>>, folder: string): ClusterAccess {
  const [host, port] = [environment['KUBERNETES_SERVICE_HOST'], environment['KUBERNETES_SERVICE_PORT']];
  if (!host || !port) {
    throw new KubeconfigError(
      'no kubeconfig: set KUBECONFIG or --kubeconfig, or run in a pod (KUBERNETES_SERVICE_HOST is not set)',
    );
  }
  const namespaceFile = join(folder, 'namespace');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: readText(join(folder, 'ca.crt'), 'service account'),
    insecureSkipTlsVerify: false,
    tlsServerName: undefined,
    proxyUrl: undefined,
    clientCertificate: undefined,
    credentials: { kind: 'tokenFile', path: join(folder, 'token') },
    namespace: existsSync(namespaceFile) ? readText(namespaceFile, 'service account').trim() : undefined,
  };
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new KubeconfigError(
      `${what}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? errorMessage(error)}`,
    );
  }
}
