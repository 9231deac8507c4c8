import { parseArgs } from 'node:util';
import { errorMessage } from '../../shared/core/errors.ts';
import type { PlaneChoice } from '../world/plane-choice.ts';

/** Files that run side by side, and on which control plane. */
export interface Part {
  plane: PlaneChoice;
  files: readonly string[];
}

export type RunOptions =
  | { kind: 'run'; parts: readonly Part[]; all: boolean; jobs: number; grep?: string }
  | { kind: 'stop'; text: string; code: 0 | 2 };

export const usage = `npm run e2e [-- OPTIONS [NAME …]]

Runs the journeys and the conformance suite on Kubernetes' own control plane, which is built with Go the first time (minutes).
NAME is a part of a file's path, such as "main-job"; without one all are run, and the rights that were used are compared
with the roles in deploy/; after that come the real parts: a registry and a builder of Debian's packages, and kernels in virtual machines.

  --part control-plane    without the real parts
  --part real-parts       these alone, and the programs of the fleet around them on the embedded control plane
  --plane real|embedded   the control plane; default: real
  --jobs N                files at a time, 2 to 8; default: 3: much of the time goes in waiting
  --grep TEXT             only tests whose title matches
  --list                  what there is to run
  --help`;

const partNames = ['control-plane', 'real-parts'] as const;

/** What the command line asks for, of the test files that there are for a plane. */
export function optionsOf(
  given: readonly string[],
  filesFor: (plane: PlaneChoice) => readonly string[],
  isRealPart: (file: string) => boolean = () => false,
): RunOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...given],
      allowPositionals: true,
      options: {
        plane: { type: 'string', default: 'real' },
        part: { type: 'string' },
        jobs: { type: 'string', default: '3' },
        grep: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return { kind: 'stop', text: usage, code: 0 };
    const { plane } = values;
    if (plane !== 'real' && plane !== 'embedded') throw new Error(`--plane: expected real or embedded, got ${plane}`);
    const { part } = values;
    if (part !== undefined && !partNames.some((name) => name === part))
      throw new Error(`--part: expected ${partNames.join(' or ')}, got ${part}`);
    if (part !== undefined && positionals.length > 0)
      throw new Error(`--part: expected no names beside it, got ${positionals.join(' ')}`);
    const all = filesFor(plane);
    if (values.list) return { kind: 'stop', text: all.join('\n'), code: 0 };
    const jobs = Number(values.jobs);
    if (!Number.isInteger(jobs) || jobs < 2 || jobs > 8)
      throw new Error(`--jobs: expected a number from 2 to 8, got ${values.jobs}`);
    const { grep } = values;
    const named: Part = { plane, files: chosen(all, positionals) };
    const whole: Part[] = [
      { plane, files: all.filter((file) => !isRealPart(file)) },
      { plane: 'embedded', files: all.filter(isRealPart) },
    ];
    const parts =
      positionals.length > 0 ? [named] : whole.filter((_, index) => (part ?? partNames[index]) === partNames[index]);
    const isWhole = positionals.length === 0 && part !== 'real-parts' && grep === undefined;
    return {
      kind: 'run',
      parts: parts.filter(({ files }) => files.length > 0),
      all: isWhole,
      jobs,
      ...(grep && { grep }),
    };
  } catch (error) {
    return { kind: 'stop', text: `e2e: ${errorMessage(error)}\n\n${usage}`, code: 2 };
  }
}

function chosen(all: readonly string[], names: readonly string[]): readonly string[] {
  if (names.length === 0) return all;
  const unknown = names.find((name) => !all.some((file) => file.includes(name)));
  if (unknown !== undefined) throw new Error(`expected a part of a test file's name (see --list), got ${unknown}`);
  return all.filter((file) => names.some((name) => file.includes(name)));
}
