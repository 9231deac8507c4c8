// `npm run e2e:build [RELEASE…]`: makes the control plane's binaries ready and prints their folders.
import { errorMessage } from '../../../shared/core/errors.ts';
import { processHost } from '../../../shared/process/host.ts';
import { findAssets } from './assets.ts';
import { type Release, releases } from './releases.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((release) => !(releases as readonly string[]).includes(release));
if (unknown.length > 0) {
  console.error(`Expected releases of ${releases.join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
}
processHost().keepAlive();
process.exit(await makeReady(wanted.length === 0 ? releases : (wanted as Release[])));

async function makeReady(each: readonly Release[]): Promise<number> {
  try {
    for (const release of each) console.log((await findAssets(release)).folder);
    return 0;
  } catch (error) {
    console.error(errorMessage(error));
    return 1;
  }
}
