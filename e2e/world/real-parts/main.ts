// `npm run e2e:toolkit`: fetches what the real builder takes and keeps it for this user: buildah, a compiler, headers of two kernels.
import { errorMessage } from '../../../shared/core/errors.ts';
import { processHost } from '../../../shared/process/host.ts';
import { debianPrograms } from '../debian/programs.ts';
import { prepareToolkit } from './toolkit-image.ts';

const given = process.argv.slice(2);
if (given.length > 0) {
  console.error(`npm run e2e:toolkit: expected no arguments, got ${given.join(' ')}`);
  process.exit(2);
}
processHost().keepAlive();
process.exit(await prepare());

async function prepare(): Promise<number> {
  try {
    const programs = await debianPrograms(['buildah', 'debootstrap']);
    if (programs.kind === 'missing') throw new Error(programs.message);
    const { kernels } = await prepareToolkit(programs.pathOf('debootstrap'));
    console.log(`The real builder can build for ${kernels.join(' and ')}: npm start does so as root.`);
    return 0;
  } catch (error) {
    console.error(errorMessage(error));
    return 1;
  }
}
