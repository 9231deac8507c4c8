import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { errorMessage } from '../../shared/core/errors.ts';
import { isKernelVersion, withoutPlus } from '../../shared/kernel/version.ts';
import { UsageError } from './failures.ts';
import { type Row, rowStates } from './rows.ts';
import { type CommandName, commandUsage, usageText } from './usage.ts';

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml';

export interface StatusOptions {
  kind: 'status';
  module: string | undefined;
  output: OutputFormat;
  cluster: string | undefined;
  state: Row['state'] | undefined;
  kernel: string | undefined;
  watch: boolean;
}

export type Command =
  | StatusOptions
  | { kind: 'explain'; module: string; cluster: string; output: OutputFormat }
  | { kind: 'plan'; file: string; output: OutputFormat }
  | { kind: 'preflight'; kernel: string; module: string | undefined; output: OutputFormat }
  | { kind: 'rollout'; action: 'pause' | 'resume'; module: string }
  | { kind: 'rollout'; action: 'undo'; module: string; toRevision: string | undefined; yes: boolean }
  | { kind: 'help'; text: string };

/** Whose API server is asked, and where the hub's own objects are there. */
export interface Connection {
  kubeconfig: string | undefined;
  context: string | undefined;
  namespace: string;
}

export interface CommandLine {
  command: Command;
  connection: Connection;
}

/** Where `deploy/hub` puts it. */
const hubNamespace = 'openshift-kmm-hub';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const common = {
  kubeconfig: text,
  context: text,
  namespace: { ...text, short: 'n' },
  help: { ...flag, short: 'h' },
} as const;
const output = { ...text, short: 'o' } as const;
const own: Readonly<Record<CommandName, ParseArgsOptionsConfig>> = {
  status: { output, cluster: text, state: text, kernel: text, watch: { ...flag, short: 'w' } },
  explain: { output },
  plan: { output, filename: { ...text, short: 'f' } },
  preflight: { output, kernel: text },
  rollout: { 'to-revision': text, yes: { ...flag, short: 'y' } },
};

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Reads a command line, the command first. Throws `UsageError`. */
export function readCommandLine(given: readonly string[]): CommandLine {
  const [name, ...rest] = given;
  const help = name === undefined || name === 'help' || name === '--help' || name === '-h';
  if (help) return { command: { kind: 'help', text: usageText() }, connection: connectionOf({}) };
  if (!isCommand(name)) {
    throw new UsageError(
      `expected one of the commands ${Object.keys(commandUsage).join(', ')} first, got ${quoted(name)}; see kubectl kmm --help`,
    );
  }
  const { values, positionals } = parsed(name, rest);
  const connection = connectionOf(values);
  if (values['help'] === true) return { command: { kind: 'help', text: usageText(name) }, connection };
  return { command: commandOf(name, values, positionals), connection };
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commandUsage, name);
}

function parsed(name: CommandName, args: string[]): { values: Values; positionals: string[] } {
  try {
    const options: ParseArgsOptionsConfig = { ...common, ...own[name] };
    const { values, positionals } = parseArgs({ args, options, strict: true, allowPositionals: true });
    return { values: values as Values, positionals };
  } catch (error) {
    throw wrong(name, errorMessage(error));
  }
}

function connectionOf(values: Values): Connection {
  return {
    kubeconfig: textOf(values, 'kubeconfig'),
    context: textOf(values, 'context'),
    namespace: textOf(values, 'namespace') ?? hubNamespace,
  };
}

function commandOf(name: CommandName, values: Values, positionals: readonly string[]): Command {
  switch (name) {
    case 'status': {
      const [module] = arguments_(name, positionals, 0, 1);
      const watch = values['watch'] === true;
      const format = formatOf(name, values, true);
      if (watch && (format === 'json' || format === 'yaml'))
        throw wrong(name, `expected --watch with a table, got -o ${format}`);
      return {
        kind: name,
        module,
        output: format,
        watch,
        cluster: textOf(values, 'cluster'),
        state: stateOf(values),
        kernel: kernelOf(name, values),
      };
    }
    case 'explain': {
      const [module = '', cluster = ''] = arguments_(name, positionals, 2, 2);
      return { kind: name, module, cluster, output: formatOf(name, values) };
    }
    case 'plan': {
      arguments_(name, positionals, 0, 0);
      const file = textOf(values, 'filename');
      if (file === undefined) throw wrong(name, 'expected -f FILE, got none');
      return { kind: name, file, output: formatOf(name, values) };
    }
    case 'preflight': {
      const [module] = arguments_(name, positionals, 0, 1);
      const kernel = kernelOf(name, values);
      if (kernel === undefined) throw wrong(name, 'expected --kernel K, got none');
      return { kind: name, kernel, module, output: formatOf(name, values) };
    }
    case 'rollout':
      return rolloutOf(values, positionals);
  }
}

function rolloutOf(values: Values, positionals: readonly string[]): Command {
  const [action = '', module = ''] = arguments_('rollout', positionals, 2, 2);
  const toRevision = textOf(values, 'to-revision');
  const yes = values['yes'] === true;
  if (action === 'undo') return { kind: 'rollout', action, module, toRevision, yes };
  if (action !== 'pause' && action !== 'resume') {
    throw wrong('rollout', `expected pause, resume or undo, got ${quoted(action)}`);
  }
  if (toRevision !== undefined || yes)
    throw wrong('rollout', `expected --to-revision and --yes with undo, got them with ${action}`);
  return { kind: 'rollout', action, module };
}

function arguments_(name: CommandName, given: readonly string[], min: number, max: number): readonly string[] {
  if (given.length >= min && given.length <= max && !given.includes('')) return given;
  const expected = min === max ? `${min}` : `${min} to ${max}`;
  throw wrong(name, `expected ${expected} arguments, got ${given.length === 0 ? 'none' : given.map(quoted).join(' ')}`);
}

function formatOf(name: CommandName, values: Values, wide = false): OutputFormat {
  const format = textOf(values, 'output') ?? 'table';
  if (format === 'table' || format === 'json' || format === 'yaml' || (wide && format === 'wide')) return format;
  throw wrong(name, `expected -o ${wide ? 'table, wide, json or yaml' : 'table, json or yaml'}, got ${quoted(format)}`);
}

function stateOf(values: Values): Row['state'] | undefined {
  const given = textOf(values, 'state');
  if (given === undefined) return undefined;
  const state = rowStates.find((each) => each.toLowerCase() === given.toLowerCase());
  if (state === undefined) throw wrong('status', `expected --state ${rowStates.join(', ')}, got ${quoted(given)}`);
  return state;
}

function kernelOf(name: CommandName, values: Values): string | undefined {
  const given = textOf(values, 'kernel');
  if (given === undefined) return undefined;
  if (!isKernelVersion(given))
    throw wrong(name, `expected a kernel version as uname -r prints it, got ${quoted(given)}`);
  return withoutPlus(given);
}

function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function quoted(given: string): string {
  return JSON.stringify(given.slice(0, 200));
}

function wrong(name: CommandName, message: string): UsageError {
  return new UsageError(`${message}. Usage:\n${commandUsage[name]}`);
}
