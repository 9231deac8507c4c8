import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import { RegistryClient } from '../registry/client.ts';
import { resultOf, resultOfError, type SignResult } from './result.ts';
import { mountedLogins, mountedPair } from './secret-files.ts';
import { readSettings, type SignSettings, terminationLogOf } from './settings.ts';
import { signImage } from './sign-image.ts';

/**
 * The sign Job's program: settings by environment (`settings.ts`), key, certificate and logins as files, the result as one line on
 * standard output and in the termination message. Exit code 0 when the signed image is there. New layers wait in the folder for
 * temporary files, which has to be writable.
 */
const result = await sign();
const line = `${JSON.stringify(result)}\n`;
process.stdout.write(line);
try {
  writeFileSync(terminationLogOf(process.env), line);
} catch (error) {
  process.stderr.write(`no termination message: ${errorMessage(error)}\n`);
}
process.exitCode = result.result === 'Signed' ? 0 : 1;

async function sign(): Promise<SignResult> {
  try {
    return await signWith(readSettings(process.env));
  } catch (error) {
    return resultOfError(error);
  }
}

async function signWith(settings: SignSettings): Promise<SignResult> {
  const { unsigned, signed, secretsRoot, filesToSign, dirName, caFile } = settings;
  const pair = mountedPair(secretsRoot, systemClock.now());
  const loginsOf = mountedLogins(secretsRoot, settings.insecureLogins);
  const extraCa = caFile === undefined ? undefined : readFileSync(caFile, 'utf8');
  const client = new RegistryClient({ clock: systemClock, extraCa });
  const folder = mkdtempSync(join(tmpdir(), 'kmm-sign-'));
  try {
    const image = await signImage({
      client,
      unsigned: { reference: unsigned, tls: settings.unsignedTls, credentials: loginsOf(unsigned) },
      signed: { reference: signed, tls: settings.signedTls, credentials: loginsOf(signed) },
      filesToSign,
      dirName,
      pair,
      folder,
    });
    return resultOf(image);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await client.close();
  }
}
