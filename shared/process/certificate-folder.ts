import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { SettingsError } from './config.ts';

/** A certificate (with its chain) and its key, as PEM. */
export interface CertificatePair {
  cert: string;
  key: string;
}

/** Kubelet takes up to a minute or two to bring a renewed Secret into a volume; certificates are renewed days before they end. */
const readAgainMs = 60_000;

/**
 * `tls.crt` and `tls.key` of a folder, as Secrets of type kubernetes.io/tls are mounted. Throws `SettingsError` when they
 * do not fit; later the last good pair stays in use, and why is logged once.
 */
export function folderCertificates(folder: string, { clock, log }: { clock: Clock; log: Log }) {
  let present: CertificatePair;
  try {
    present = readPair(folder);
  } catch (error) {
    const expected = `metrics.certDir: expected tls.crt and tls.key that belong together in ${folder}`;
    throw new SettingsError([`${expected}: ${errorMessage(error)}`]);
  }
  return {
    first: present,
    follow(renew: (pair: CertificatePair) => void): () => void {
      let told = '';
      const look = () => {
        try {
          const pair = readPair(folder);
          if (pair.cert !== present.cert || pair.key !== present.key) {
            renew(pair);
            present = pair;
            log.info({ folder }, 'the certificate of the metrics page was renewed');
          }
          told = '';
        } catch (error) {
          const message = errorMessage(error);
          if (message !== told) log.error({ folder, message }, 'the certificate of the metrics page cannot be renewed');
          told = message;
        }
        cancel = clock.after(readAgainMs, look);
      };
      let cancel = clock.after(readAgainMs, look);
      return () => cancel();
    },
  };
}

/** Two files that are not renewed at the same moment may not fit for a while: that throws too. */
function readPair(folder: string): CertificatePair {
  const pair = {
    cert: readFileSync(join(folder, 'tls.crt'), 'utf8'),
    key: readFileSync(join(folder, 'tls.key'), 'utf8'),
  };
  createSecureContext(pair);
  return pair;
}
