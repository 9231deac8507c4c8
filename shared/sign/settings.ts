import { isRecord } from '../core/record.ts';
import { parseReference, type Reference } from '../registry/reference.ts';
import type { RegistryTls } from '../registry/session.ts';
import { ImageRefused } from './image-refused.ts';

/** What the sign Job's environment says. */
export interface SignSettings {
  unsigned: Reference;
  unsignedTls: RegistryTls;
  /** With a tag. */
  signed: Reference;
  signedTls: RegistryTls;
  filesToSign: readonly string[];
  dirName: string;
  caFile: string | undefined;
  secretsRoot: string;
  terminationLog: string;
  /** Whether the logins' Secret allows that they travel over what is not verified (contract 8). */
  insecureLogins: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `KMM_UNSIGNED_IMAGE`, `KMM_SIGNED_IMAGE`, `KMM_FILES_TO_SIGN` (JSON list, variables substituted), `KMM_DIR_NAME`,
 * `KMM_UNSIGNED_TLS` and `KMM_SIGNED_TLS` (JSON `{insecure, insecureSkipTLSVerify}`; verified without), `KMM_CA_FILE` (PEM, trusted beside
 * the system's), `KMM_INSECURE_LOGINS` (`true`: logins go over unverified connections too), `KMM_SECRETS_ROOT` (`/run/secrets`),
 * `KMM_TERMINATION_LOG` (`/dev/termination-log`). `KMM_KERNEL` is for people who look at the pod. Throws `ImageRefused`.
 */
export function readSettings(environment: Environment): SignSettings {
  const signed = reference(environment, 'KMM_SIGNED_IMAGE');
  if (signed.tag === undefined || signed.digest !== undefined)
    throw new ImageRefused('InvalidImage', 'KMM_SIGNED_IMAGE: expected an image with a tag and no digest');
  return {
    unsigned: reference(environment, 'KMM_UNSIGNED_IMAGE'),
    unsignedTls: tls(environment, 'KMM_UNSIGNED_TLS'),
    signed,
    signedTls: tls(environment, 'KMM_SIGNED_TLS'),
    filesToSign: strings(environment, 'KMM_FILES_TO_SIGN'),
    dirName: required(environment, 'KMM_DIR_NAME'),
    caFile: environment['KMM_CA_FILE'] || undefined,
    secretsRoot: environment['KMM_SECRETS_ROOT'] || '/run/secrets',
    terminationLog: terminationLogOf(environment),
    insecureLogins: environment['KMM_INSECURE_LOGINS'] === 'true',
  };
}

/** Where the result goes, also when the other settings are unusable. */
export function terminationLogOf(environment: Environment): string {
  return environment['KMM_TERMINATION_LOG'] || '/dev/termination-log';
}

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value !== undefined && value !== '') return value;
  throw new ImageRefused('InvalidSettings', `${name}: expected a value, got none`);
}

function reference(environment: Environment, name: string): Reference {
  const parsed = parseReference(required(environment, name));
  if (parsed.kind === 'reference') return parsed.reference;
  throw new ImageRefused('InvalidImage', `${name}: ${parsed.message}`);
}

function strings(environment: Environment, name: string): readonly string[] {
  const value = json(name, required(environment, name));
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new ImageRefused('InvalidSettings', `${name}: expected a JSON list of strings`);
}

function tls(environment: Environment, name: string): RegistryTls {
  const value = json(name, environment[name] || '{}');
  if (!isRecord(value)) throw new ImageRefused('InvalidSettings', `${name}: expected a JSON object`);
  return { insecure: value['insecure'] === true, insecureSkipTLSVerify: value['insecureSkipTLSVerify'] === true };
}

function json(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ImageRefused('InvalidSettings', `${name}: expected JSON`);
    throw error;
  }
}
