import { annotations, labels } from '../kube/names.ts';
import type { Secret } from '../kube/object.ts';
import { loginsFor, parseDockerConfig } from '../registry/docker-config.ts';
import type { Reference } from '../registry/reference.ts';
import type { Credential } from '../registry/session.ts';

/** What a pull Secret gives for an image (contract 8). */
export type PullSecret =
  | {
      kind: 'usable';
      credentials: readonly Credential[];
      /** For the module's status: the Secret is used, but should be labelled. */
      warning?: string;
      /** Why there are no credentials although a Secret is named: a refusal or a *missing* may then be due to that. */
      trouble?: string;
    }
  /** Its label or the configuration forbids the use. */
  | { kind: 'refused'; message: string };

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Judges a Secret that is named as `imageRepoSecret`: with label `use: pull` it is used, with another use refused;
 * without the label it is used with a warning, or refused where `strictSecrets` is configured. `undefined`: not there.
 */
export function pullSecret(
  name: SecretName,
  secret: Secret | undefined,
  at: { reference: Reference; strictSecrets: boolean },
): PullSecret {
  const called = `Secret ${name.namespace}/${name.name}`;
  if (secret === undefined) return { kind: 'usable', credentials: [], trouble: `${called} does not exist` };
  const use = secret.metadata.labels?.[labels.secretUse];
  if (use !== undefined && use !== 'pull') {
    return { kind: 'refused', message: `${called}: expected label ${labels.secretUse}=pull, got ${use}` };
  }
  const unlabelled = `${called} has no label ${labels.secretUse}=pull`;
  if (use === undefined && at.strictSecrets) return { kind: 'refused', message: `${unlabelled} (strictSecrets)` };
  const warning = use === undefined ? { warning: unlabelled } : {};
  const config = parseDockerConfig(secret.data ?? {});
  if (config.kind === 'invalid') {
    return { kind: 'usable', credentials: [], trouble: `${called}: ${config.message}`, ...warning };
  }
  const insecureAllowed = secret.metadata.annotations?.[annotations.allowInsecureRegistry] === 'true';
  const credentials = loginsFor(config, at.reference).map((login) => ({ ...login, insecureAllowed }));
  return { kind: 'usable', credentials, ...warning };
}
