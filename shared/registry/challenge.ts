/** What a 401 asks for: the parameters of one scheme of `WWW-Authenticate` (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case. */
  scheme: string;
  parameters: ReadonlyMap<string, string>;
}

const headerCharsMax = 4096;

/** The challenges of a header, of which several may stand in one line; empty for what is none. Never throws. */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const token = /([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))|([A-Za-z][A-Za-z0-9-]*)/g;
  for (const [, name, quoted, bare, scheme] of (header ?? '').slice(0, headerCharsMax).matchAll(token)) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set((name ?? '').toLowerCase(), bare ?? (quoted ?? '').replace(/\\(.)/g, '$1'));
  }
  return challenges;
}
