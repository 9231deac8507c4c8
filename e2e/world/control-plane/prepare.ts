import { processHost } from '../../../shared/process/host.ts';
import { findAssets } from './assets.ts';
import type { Release } from './releases.ts';

/** Makes binaries ready before any test: the first build takes minutes. Throws when one cannot be had. */
export async function prepareControlPlanes(releases: readonly Release[]): Promise<void> {
  const release = processHost().keepAlive();
  try {
    for (const each of releases) await findAssets(each);
  } finally {
    release();
  }
}
