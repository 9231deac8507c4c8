import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DockerConfig, loginsFor, parseDockerConfig } from '../registry/docker-config.ts';
import type { Reference } from '../registry/reference.ts';
import type { Credential } from '../registry/session.ts';
import { ImageRefused } from './image-refused.ts';
import { readSigningPair, type SigningPair } from './key-pair.ts';

/** Key and certificate as the Secrets are mounted: `key/key`, `key/passphrase` where there is one, `cert/cert`. */
export function mountedPair(root: string, nowMs: number): SigningPair {
  const passphrase = fileIfThere(join(root, 'key/passphrase'))
    ?.toString('utf8')
    .replace(/\r?\n$/, '');
  const [key, certificate] = ['key/key', 'cert/cert'].map((path) => {
    const content = fileIfThere(join(root, path));
    if (content === undefined)
      throw new ImageRefused('InvalidSettings', `expected a file ${path} of the Secret, got none`);
    return content;
  }) as [Buffer, Buffer];
  return readSigningPair({ key, certificate, passphrase, nowMs });
}

/** The logins for an image from `push/.dockerconfigjson`; none where that is not mounted. */
export function mountedLogins(root: string, insecureAllowed: boolean): (image: Reference) => readonly Credential[] {
  const content = fileIfThere(join(root, 'push/.dockerconfigjson'));
  const config: DockerConfig =
    content === undefined
      ? { kind: 'logins', logins: [] }
      : parseDockerConfig({ '.dockerconfigjson': content.toString('base64') });
  if (config.kind === 'invalid') throw new ImageRefused('InvalidSettings', `the registry logins: ${config.message}`);
  return (image) => loginsFor(config, image).map((login) => ({ ...login, insecureAllowed }));
}

function fileIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
