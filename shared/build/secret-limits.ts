import type { ImageRecipe } from '../images/recipe.ts';
import { annotations, labels } from '../kube/names.ts';
import type { ObjectMeta } from '../kube/object.ts';
import { parseReference } from '../registry/reference.ts';

export type Step = 'build' | 'sign';

/** What a Secret's metadata says of it: its data is read only by the pod that mounts it. */
export interface SecretFacts {
  uid: string;
  resourceVersion: string;
  /** Undefined: not labelled. */
  use?: string;
  /** Undefined: any. */
  allowedModules?: readonly string[];
  allowedImages?: readonly string[];
  /** Its logins may travel in plain HTTP or over unverified TLS. */
  insecureAllowed: boolean;
}

export function secretFacts({ uid = '', resourceVersion = '', ...metadata }: ObjectMeta): SecretFacts {
  const use = metadata.labels?.[labels.secretUse];
  const allowedModules = listIn(metadata.annotations?.[annotations.allowedModules]);
  const allowedImages = listIn(metadata.annotations?.[annotations.allowedImages]);
  return {
    uid,
    resourceVersion,
    ...(use !== undefined && { use }),
    ...(allowedModules && { allowedModules }),
    ...(allowedImages && { allowedImages }),
    insecureAllowed: metadata.annotations?.[annotations.allowInsecureRegistry] === 'true',
  };
}

/** An empty annotation is a list of nothing: it allows none. */
function listIn(text: string | undefined): string[] | undefined {
  return text?.split(/[\s,]+/).filter((item) => item !== '');
}

export interface Refusal {
  reason: 'SecretMissing' | 'SecretRefused';
  message: string;
}

export interface SecretQuestion {
  step: Step;
  recipe: ImageRecipe;
  /** The module's name, as the key's Secret may list it. */
  module: string;
  /** By name, in the namespace of the Job. */
  secrets: ReadonlyMap<string, SecretFacts>;
  strictSecrets: boolean;
}

interface Mounted {
  name: string;
  /** What its label has to say. */
  use: 'build' | 'sign' | 'pull';
}

/**
 * Whether the pod of a step may mount what its recipe names (contract 8). Whoever writes a ManagedClusterModule names
 * Secrets of a namespace that he may not read: a signing key in a build, where any RUN line reads it, and a key for what
 * it was not meant for are refused. Unlabelled Secrets are taken with a warning, or refused under `strictSecrets`.
 */
export function judgeSecrets(question: SecretQuestion): { refusal?: Refusal; warnings: string[] } {
  const warnings: string[] = [];
  for (const mounted of mountedBy(question)) {
    const facts = question.secrets.get(mounted.name);
    if (facts === undefined) {
      return { refusal: { reason: 'SecretMissing', message: `Secret ${mounted.name} does not exist` }, warnings };
    }
    const message = useProblem(mounted, facts, question) ?? keyProblem(mounted, facts, question);
    if (message !== undefined) return { refusal: { reason: 'SecretRefused', message }, warnings };
    if (facts.use === undefined) warnings.push(unlabelled(mounted));
  }
  return { warnings };
}

function mountedBy({ step, recipe }: SecretQuestion): Mounted[] {
  const { build, sign, imageRepoSecret } = recipe;
  const login: Mounted[] = imageRepoSecret === undefined ? [] : [{ name: imageRepoSecret, use: 'pull' }];
  const own =
    step === 'build'
      ? (build?.secrets ?? []).map((name): Mounted => ({ name, use: 'build' }))
      : [sign?.keySecret ?? '', sign?.certSecret ?? ''].map((name): Mounted => ({ name, use: 'sign' }));
  return [...own, ...login];
}

function useProblem({ name, use }: Mounted, facts: SecretFacts, question: SecretQuestion): string | undefined {
  if (question.step === 'build' && name === question.recipe.sign?.keySecret) {
    return `Secret ${name} holds the signing key: it is never mounted in a build`;
  }
  if (facts.use !== undefined && facts.use !== use) {
    return `Secret ${name}: expected label ${labels.secretUse}=${use}, got ${facts.use}`;
  }
  if (facts.use === undefined && question.strictSecrets) return `${unlabelled({ name, use })} (strictSecrets)`;
  return undefined;
}

function keyProblem({ name }: Mounted, facts: SecretFacts, question: SecretQuestion): string | undefined {
  const { step, module, recipe } = question;
  if (step !== 'sign' || name !== recipe.sign?.keySecret) return undefined;
  if (facts.allowedModules !== undefined && !facts.allowedModules.includes(module)) {
    return `Secret ${name}: its annotation ${annotations.allowedModules} does not name ${module}`;
  }
  const source = recipe.sign.unsignedImage;
  if (facts.allowedImages !== undefined && !facts.allowedImages.some((pattern) => allows(pattern, source))) {
    return `Secret ${name}: its annotation ${annotations.allowedImages} does not name the repository of ${source}`;
  }
  return undefined;
}

function unlabelled({ name, use }: Mounted): string {
  return `Secret ${name} has no label ${labels.secretUse}=${use}`;
}

/** Repositories are compared by their canonical names: `team/driver` is Docker Hub's. */
function allows(pattern: string, image: string): boolean {
  const wanted = repositoryOf(image);
  if (wanted === undefined) return false;
  if (!pattern.endsWith('/*')) return repositoryOf(pattern) === wanted;
  const prefix = pattern.slice(0, -1);
  // Of a pattern such as `registry.example.com/*` there is no repository to parse.
  return prefix.length > 1 && wanted.startsWith(prefix);
}

function repositoryOf(image: string): string | undefined {
  const parsed = parseReference(image);
  return parsed.kind === 'invalid' ? undefined : `${parsed.reference.registry}/${parsed.reference.repository}`;
}
