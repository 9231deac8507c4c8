import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what is dear to make is kept for the next run, beside the control plane's binaries. */
export function cacheFolder(name: string): string {
  const folder = cachePlace(name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The same, for who only looks: it may not be there. */
export function cachePlace(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'kmm-hub', name);
}
