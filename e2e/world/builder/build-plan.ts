import { posix } from 'node:path';
import { type Instruction, readDockerfile, withArguments } from './dockerfile.ts';

/** What of a build ends up in the image, as far as module images go. */
export interface BuildPlan {
  /** Names of the base images, in order; stages of this file left out. */
  readonly from: readonly string[];
  /** By kernel, the names of the modules, the folder above `lib/modules`, and the one below the kernel's (with a `/` at its end). */
  readonly modules: readonly {
    readonly kernel: string;
    readonly name: string;
    readonly dirName: string;
    readonly folder: string;
  }[];
  /** Names of the files below `/firmware`. */
  readonly firmware: readonly string[];
  readonly depmod: boolean;
  /** What a person sees, one line a step. */
  readonly steps: readonly string[];
}

export interface BuildInput {
  readonly dockerfile: string;
  readonly arguments: ReadonlyMap<string, string>;
  /** Whether a path of the machine that runs the RUN lines is there: what `--volume` mounts. */
  readonly isThere: (path: string) => boolean;
}

/** A step of the build that failed: the steps before it, and what the tool says. */
export class BuildFailure extends Error {
  override name = 'BuildFailure';
  readonly steps: readonly string[];
  constructor(steps: readonly string[], message: string) {
    super(message);
    this.steps = steps;
  }
}

interface State {
  readonly global: Map<string, string>;
  readonly local: Map<string, string>;
  readonly stages: Set<string>;
  readonly from: string[];
  readonly steps: string[];
  made: boolean;
  depmod: boolean;
  modules: BuildPlan['modules'][number][];
  firmware: string[];
}

/**
 * Reads a Dockerfile as its build would go. Nothing is compiled: that a RUN line has `make` in it, and which `.ko` files the
 * last stage copies to `<dirName>/lib/modules/<kernel>/`, says what would have been; so does which files it copies to
 * `/firmware/`. A RUN line with `false` or `exit 1` fails, and one that names a file below `/run/secrets` that is not mounted. Throws `BuildFailure`.
 */
export function planBuild(input: BuildInput): BuildPlan {
  const state: State = {
    global: new Map(),
    local: new Map(),
    stages: new Set(),
    from: [],
    steps: [],
    made: false,
    depmod: false,
    modules: [],
    firmware: [],
  };
  for (const instruction of readDockerfile(input.dockerfile)) take(state, instruction, input);
  if (state.steps.every((step) => !step.includes(': FROM ')))
    throw new BuildFailure(state.steps, 'no FROM statement found');
  const { from, modules, firmware, depmod, steps } = state;
  return { from, modules, firmware, depmod, steps };
}

function take(state: State, { name, text }: Instruction, input: BuildInput): void {
  const isGlobal = state.steps.every((step) => !step.includes(': FROM '));
  const shown = withArguments(text, isGlobal || name === 'FROM' ? state.global : state.local);
  // RUN lines are a shell's: what it shows is what was written.
  state.steps.push(`STEP ${state.steps.length + 1}: ${name} ${name === 'RUN' ? text : shown}`);
  if (name === 'ARG') declare(isGlobal ? state.global : state.local, text, { state, input });
  if (name === 'ENV')
    for (const [, key = '', value = ''] of shown.matchAll(/(\w+)=(\S+)/g)) state.local.set(key, value);
  if (name === 'FROM') begin(state, shown);
  if (name === 'RUN') run(state, { text, shown }, input);
  if (name === 'COPY' || name === 'ADD') copy(state, shown);
}

function declare(
  scope: Map<string, string>,
  text: string,
  { state, input }: { state: State; input: BuildInput },
): void {
  const [name = '', ...rest] = text.split('=');
  const ownDefault = rest.length === 0 ? undefined : rest.join('=').replaceAll(/^["']|["']$/g, '');
  const value = input.arguments.get(name) ?? ownDefault ?? state.global.get(name);
  if (value !== undefined) scope.set(name, value);
}

function begin(state: State, text: string): void {
  const [image = '', as = '', stage = ''] = text.split(/\s+/).filter((word) => !word.startsWith('--'));
  if (image === '') throw new BuildFailure(state.steps, 'FROM names no image: is a build argument missing?');
  if (!state.stages.has(image) && image !== 'scratch') state.from.push(image);
  if (as.toLowerCase() === 'as') state.stages.add(stage);
  state.local.clear();
  state.modules = [];
  state.firmware = [];
  state.depmod = false;
}

function run(state: State, { text, shown }: { text: string; shown: string }, input: BuildInput): void {
  const failed = (why: string) =>
    new BuildFailure(state.steps, `${why}\nbuilding at STEP "RUN ${text}": while running runtime: exit status 1`);
  for (const [path] of shown.matchAll(/\/run\/secrets\/[^\s;&|<>"')]+/g)) {
    if (!input.isThere(path)) throw failed(`cat: ${path}: No such file or directory`);
  }
  if (/(^|[\s;&|])(false|exit 1)([\s;&|]|$)/.test(shown)) throw failed('the command of the Dockerfile failed');
  // Also as the first word of `RUN ["make", …]`.
  if (/(^|[\s;&|["])make([\s;&|"]|$)/.test(shown)) state.made = true;
  if (/(^|[\s;&|/])depmod([\s;&|]|$)/.test(shown)) state.depmod = true;
}

function copy(state: State, shown: string): void {
  const words = shown.split(/\s+/).filter((word) => !word.startsWith('--'));
  const target = words.pop() ?? '';
  const place = target.endsWith('.ko') ? posix.dirname(target) : target;
  const [, dirName = '', kernel = '', below = ''] = /^(.*)\/lib\/modules\/([^/]+)(?:\/(.*?))?\/?$/.exec(place) ?? [];
  if (target === '/firmware/') {
    state.firmware.push(...words.filter((word) => !word.endsWith('/')).map((word) => posix.basename(word)));
  }
  for (const source of words) {
    if (!source.endsWith('.ko')) continue;
    if (!state.made)
      throw new BuildFailure(state.steps, `no items matching glob "${source}" copied: no such file or directory`);
    if (kernel === '') continue;
    const name = posix.basename(target.endsWith('.ko') ? target : source, '.ko');
    state.modules.push({ kernel, name, dirName, folder: below === '' ? '' : `${below}/` });
  }
}
