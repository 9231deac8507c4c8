import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loginsFor, parseDockerConfig } from '../../../shared/registry/docker-config.ts';
import type { Reference } from '../../../shared/registry/reference.ts';
import type { PushTarget } from '../registry/push.ts';

export interface TrustOptions {
  /** The container's root folder. */
  readonly root: string;
  readonly certificateFolder: string | undefined;
  readonly verify: boolean;
  readonly loginFile: string | undefined;
}

/** Whom the push talks to, and as whom: certificates where buildah looks for them, the first login that fits. */
export function pushTarget(reference: Reference, options: TrustOptions): PushTarget & { login?: Login } {
  const { registry } = reference;
  const folders = [options.certificateFolder, join(options.root, 'etc/containers/certs.d', registry)];
  const ca = folders.flatMap((folder) => (folder === undefined ? [] : certificates(folder)));
  const login = options.loginFile === undefined ? undefined : loginFor(reference, options.loginFile);
  return {
    host: registry,
    url: `https://${registry}`,
    ...(ca.length > 0 && { caPem: ca.join('\n') }),
    ...(!options.verify && { insecure: true }),
    ...(login !== undefined && { login }),
  };
}

interface Login {
  user: string;
  password: string;
}

function certificates(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.crt'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8'));
}

function loginFor(reference: Reference, file: string): Login | undefined {
  const config = parseDockerConfig({ '.dockerconfigjson': readFileSync(file).toString('base64') });
  const [login] = loginsFor(config, reference);
  return login && { user: login.username, password: login.password };
}
