import { readFileSync } from 'node:fs';
import { errorMessage } from '../core/errors.ts';
import { SettingsError } from './config.ts';

/** The PEM certificates that `registry.caFile` names. */
export function readCertificates(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch (error) {
    throw new SettingsError([`registry.caFile: expected a file of PEM certificates: ${errorMessage(error)}`]);
  }
}
