import { processHost } from '../../../shared/process/host.ts';
import { findAssets } from './assets.ts';
import { releases } from './releases.ts';

/** Run by mocha before the first test of `npm run e2e`, and not counted against its time: the first build takes minutes. */
export async function mochaGlobalSetup(): Promise<void> {
  const release = processHost().keepAlive();
  try {
    for (const each of releases) await findAssets(each);
  } finally {
    release();
  }
}
