import { parseArgs } from 'node:util';
import { errorMessage } from '../../shared/core/errors.ts';
import { type PlaneChoice, planeChoice } from '../world/plane-choice.ts';

export const usage = `npm run e2e:conformance [-- --plane embedded|real] [--grep TEXT]

Holds a control plane to Kubernetes' behaviour: the same tests for the embedded API server and for a real one.

  --plane embedded   the small API server of e2e/world/api-server (the default)
  --plane real       kube-apiserver, etcd, controllers and scheduler, built once from their Go modules
  --grep TEXT        only the tests whose title matches
  --help             this text`;

export interface Options {
  plane: PlaneChoice;
  grep: string | undefined;
  help: boolean;
}

/** What the suite was asked for; a string says what is wrong with it. */
export function readOptions(args: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { plane: { type: 'string' }, grep: { type: 'string' }, help: { type: 'boolean' } },
    });
    const plane = values.plane === undefined ? planeChoice() : planeNamed(values.plane);
    return { plane, grep: values.grep, help: values.help ?? false };
  } catch (error) {
    return errorMessage(error);
  }
}

function planeNamed(name: string): PlaneChoice {
  if (name === 'embedded' || name === 'real') return name;
  throw new Error(`--plane: expected embedded or real, got ${JSON.stringify(name)}`);
}
