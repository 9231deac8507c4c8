/** Which control plane plays Kubernetes: the small one of `e2e/world/api-server`, or the real one of `e2e/world/control-plane`. */
export type PlaneChoice = 'embedded' | 'real';

export const planeVariable = 'KMM_E2E_PLANE';

/** As the environment says; the embedded one without a word. Throws for a word that is no plane. */
export function planeChoice(environment: Readonly<Record<string, string | undefined>> = process.env): PlaneChoice {
  const text = environment[planeVariable] || 'embedded';
  if (text === 'embedded' || text === 'real') return text;
  throw new Error(`${planeVariable}: expected embedded or real, got ${JSON.stringify(text)}`);
}
