/** Texts that break what trusts them, by what they would break. All may stand in JSON, half a surrogate pair as an escape. */
export const hostileTexts: Readonly<Record<string, string>> = {
  'command substitution': '$(touch /tmp/x)',
  backticks: '`touch /tmp/x`',
  'a second command': 'a; rm -rf / #',
  'a line break': 'a\nb: c\r\n- d',
  'a path that climbs': '../../etc/shadow',
  'an option': '--config=/tmp/x',
  NUL: 'a\u0000b',
  'control characters': 'a\u0007\u0008\u007f\u0085b',
  'an ANSI escape': '\u001b[2J\u001b[31mall is well\u001b[0m',
  'a terminal title': '\u001b]0;x\u0007',
  'a right-to-left override': 'a\u202Egpj.exe\u2066',
  'a line separator': 'a\u2028b\u2029c',
  'half a surrogate pair': 'a\ud800b',
  'the other half': '\udc00',
  'ten kilobytes': 'x'.repeat(10_240),
  'a kilobyte of escapes': '\u001b'.repeat(1024),
  'a prototype': '__proto__',
  'a constructor': 'constructor',
  'a brace that is not closed': '${KERNEL_FULL_VERSION',
  'a variable of Kubernetes': '$(KMM_HASH)',
  'format verbs': '%s%n%d{}{{.}}<no value>',
  'JSON pointers': 'a~1b/~0c',
  quotes: `"'\\"},{"a":"b`,
  'a number': '1e999',
  'a text that grows': '$KERNEL_VERSION'.repeat(68),
  nothing: '',
  blanks: ' \t ',
};

/** What a terminal or a log's reader would take for something else than text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** Where in `value`, in texts or keys, something stands that a terminal would obey, or half a surrogate pair. */
export function unprintable(value: unknown, path = ''): string[] {
  const isBad = (text: string) => control.test(text) || !text.isWellFormed();
  if (typeof value === 'string') return isBad(value) ? [`${path}: ${JSON.stringify(value)}`] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    ...(isBad(name) ? [`${path}: key ${JSON.stringify(name)}`] : []),
    ...unprintable(member, `${path}.${name}`),
  ]);
}
