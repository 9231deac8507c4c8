import { parseArgs } from 'node:util';
import { nodeOptionsOf } from '../../demo/program-process.ts';

export const steps = ['new-image', 'kernel', 'reports', 'rest', 'restart'] as const;
export type Step = (typeof steps)[number];

export interface ScaleOptions {
  /** One fleet of each size. */
  readonly sizes: readonly number[];
  readonly modules: number;
  readonly steps: readonly Step[];
  readonly restSeconds: number;
  readonly json: string | undefined;
  readonly svg: string | undefined;
  /** CPU profiles of the hub. */
  readonly profile: string | undefined;
  /** Of the hub: to try others than its Deployment says. */
  readonly nodeOptions: string;
}

export const usage = `npm run bench -- [--clusters N | --curve N,N,...] [--modules M] [--only ${steps.join('|')}] [--rest SECONDS] [--json FILE] [--svg FILE] [--profile FOLDER] [--node-options TEXT]`;

/** Throws a `RangeError` that says what is wrong. */
export function readOptions(args: readonly string[]): ScaleOptions {
  const text = { type: 'string' } as const;
  const options = {
    clusters: { ...text, default: '1000' },
    curve: text,
    modules: { ...text, default: '5' },
    only: { ...text, multiple: true },
    rest: { ...text, default: '60' },
    json: text,
    svg: text,
    profile: text,
    'node-options': text,
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const number = (name: string, value: string, least: number) => {
    const read = Number(value);
    if (!Number.isInteger(read) || read < least) {
      throw new RangeError(`--${name}: expected a whole number from ${least} on, got ${value}`);
    }
    return read;
  };
  for (const name of values.only ?? []) {
    if (!steps.includes(name as Step)) throw new RangeError(`--only: expected one of ${steps.join(', ')}, got ${name}`);
  }
  return {
    sizes: (values.curve ?? values.clusters).split(',').map((size) => number('clusters', size, 8)),
    modules: number('modules', values.modules, 1),
    steps: (values.only as Step[] | undefined) ?? steps,
    restSeconds: number('rest', values.rest, 1),
    json: values.json,
    svg: values.svg,
    profile: values.profile,
    nodeOptions: values['node-options'] ?? nodeOptionsOf('hub'),
  };
}
