import { parseArgs } from 'node:util';
import { errorMessage } from '../../shared/core/errors.ts';

export const usage = `npm start [-- --keep]

Shows the main job on an embedded hub and three clusters: apply, reboot into another kernel, leave and return, a cluster
that cannot be reached, a new release, delete.

  --keep   leave everything running after the modules are loaded, and print the kubeconfigs (end it with Ctrl-C)
  --help   this text`;

/** What `npm start` was asked for; a string says what is wrong with it. */
export function readOptions(args: readonly string[]): { keep: boolean; help: boolean } | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { keep: { type: 'boolean' }, help: { type: 'boolean' } },
    });
    return { keep: values.keep ?? false, help: values.help ?? false };
  } catch (error) {
    return errorMessage(error);
  }
}
