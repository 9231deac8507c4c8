export interface ModprobeArguments {
  remove: boolean;
  verbose: boolean;
  quiet: boolean;
  firstTime: boolean;
  all: boolean;
  /** `-d`: the folder that holds `lib/modules`. */
  rootFolder: string;
  /** `-S`: instead of the running kernel's release. */
  release: string | undefined;
  operands: readonly string[];
}

const longOptions: Record<string, string> = {
  remove: 'r',
  verbose: 'v',
  quiet: 'q',
  all: 'a',
  dirname: 'd',
  'set-version': 'S',
  'first-time': 'F',
  'use-blacklist': 'b',
  force: 'f',
  syslog: 's',
  'ignore-install': 'i',
  'ignore-remove': 'i',
};
const withValue = 'dSCw';
const withoutValue = 'rvqaFbfsiDRc';

/** kmod's options as getopt reads them: combined short ones, `-dDIR`, operands in between, `--` ends. Throws what kmod would print. */
export function parseModprobeArguments(words: readonly string[]): ModprobeArguments {
  const options = new Map<string, string>();
  const operands: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') operands.push(...rest.splice(0));
    else if (word.startsWith('--')) readLong(word.slice(2), rest, options);
    else if (word.startsWith('-') && word.length > 1) readShort(word.slice(1), rest, options);
    else operands.push(word);
  }
  return {
    remove: options.has('r'),
    verbose: options.has('v'),
    quiet: options.has('q'),
    firstTime: options.has('F'),
    all: options.has('a'),
    rootFolder: options.get('d') ?? '',
    release: options.get('S'),
    operands,
  };
}

function readLong(text: string, rest: string[], options: Map<string, string>): void {
  const [name = '', value] = text.split(/=(.*)/s);
  const letter = longOptions[name];
  if (letter === undefined) throw new Error(`unrecognized option '--${name}'`);
  options.set(letter, withValue.includes(letter) ? (value ?? nextValue(letter, rest)) : '');
}

function readShort(text: string, rest: string[], options: Map<string, string>): void {
  for (let index = 0; index < text.length; index++) {
    const letter = text.charAt(index);
    if (withValue.includes(letter)) {
      options.set(letter, text.slice(index + 1) || nextValue(letter, rest));
      return;
    }
    if (!withoutValue.includes(letter) || letter === 'F') throw new Error(`invalid option -- '${letter}'`);
    options.set(letter, '');
  }
}

function nextValue(letter: string, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) throw new Error(`option requires an argument -- '${letter}'`);
  return value;
}

/** Parameters as kmod hands them to the kernel: a value with a space gets quotes. */
export function joinParameters(words: readonly string[]): string {
  return words.map((word) => word.replace(/^([^=]*=)([^"'].* .*)$/s, '$1"$2"')).join(' ');
}
