/** As far as the stand-in knows them. Repeated options keep every value. */
export interface BuildahCall {
  readonly command: string;
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

const withValue = new Set([
  ...['root', 'runroot', 'storage-driver', 'isolation', 'format', 'layers', 'network', 'platform', 'arch'],
  ...['file', 'tag', 'build-arg', 'volume', 'authfile', 'cert-dir', 'digestfile', 'tls-verify'],
]);
const short: Readonly<Record<string, string>> = { f: 'file', t: 'tag', v: 'volume' };
/** Options that stand alone, or with `=`. */
const optionalValue = new Set(['tls-verify', 'layers']);

/** Throws, as buildah does, for an option that it does not know. */
export function readBuildahCall(words: readonly string[]): BuildahCall {
  const options = new Map<string, string[]>();
  const operands: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, dashes, name = '', , given] = /^(--?)([a-z-]+)(=(.*))?$/s.exec(word) ?? [];
    if (dashes === undefined) {
      operands.push(word);
      continue;
    }
    const option = dashes === '-' ? (short[name] ?? name) : name;
    if (!withValue.has(option)) throw new Error(`unknown flag: ${word}`);
    const value = given ?? (optionalValue.has(option) ? 'true' : rest.shift());
    if (value === undefined) throw new Error(`flag needs an argument: ${word}`);
    options.set(option, [...(options.get(option) ?? []), value]);
  }
  const [command = '', ...others] = operands;
  return { command, options, operands: others };
}
