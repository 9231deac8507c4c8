import { parseArgs } from 'node:util';
import { errorMessage } from '../../shared/core/errors.ts';

export const usage = `npm start [-- OPTIONS]

Shows the main job on an embedded hub and three clusters: apply, build and sign an image that is missing, reboot into another
kernel, leave and return, a cluster that cannot be reached, a new release, delete.

  --keep       leave everything running after the modules are loaded, and print the kubeconfigs (end it with Ctrl-C)
  --stand-in   build with the stand-in also where the real builder could (buildah, and what npm run e2e:toolkit keeps)
  --help       this text`;

export interface DemoOptions {
  readonly keep: boolean;
  readonly standIn: boolean;
  readonly help: boolean;
}

/** What `npm start` was asked for; a string says what is wrong with it. */
export function readOptions(args: readonly string[]): DemoOptions | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { keep: { type: 'boolean' }, 'stand-in': { type: 'boolean' }, help: { type: 'boolean' } },
    });
    const { keep = false, 'stand-in': standIn = false, help = false } = values;
    return { keep, standIn, help };
  } catch (error) {
    return errorMessage(error);
  }
}
