/** How kernel releases end (rpm's and Debian's names), and what nodes of that kind are labelled as. */
const suffixes: readonly [suffix: RegExp, architecture: string][] = [
  [/[._-](?:x86_64|amd64)(?:$|\+)/, 'amd64'],
  [/[._-](?:aarch64|arm64)(?:$|\+)/, 'arm64'],
  [/[._-](?:ppc64le|ppc64el|powerpc64le)(?:$|\+)/, 'ppc64le'],
  [/[._-]s390x(?:$|\+)/, 's390x'],
];

/**
 * The architecture that a kernel's release names, as in the label `kubernetes.io/arch`; undefined where it names none
 * (`6.8.0-45-generic`): such a kernel may be of any.
 */
export function architectureOf(kernel: string): string | undefined {
  return suffixes.find(([suffix]) => suffix.test(kernel))?.[1];
}
