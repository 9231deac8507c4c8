import { join } from 'node:path';
import { buildImage, type OciImage } from '../registry/oci-image.ts';

const checkout = join(import.meta.dirname, '../../..');
const machineShell = shell('/bin/sh', 'exec /bin/sh "$@"');

/**
 * What a world names as `images.builder`: a shell that is this machine's, which finds this machine's buildah. The scripts of
 * build Jobs and of OpenShift's build pods keep below ROOT by themselves.
 */
export function builderImage(): Promise<OciImage> {
  return buildImage({ layers: [[machineShell]] });
}

/** The same for OpenShift's build pods, which trust the registries that their cluster trusts. */
export function trustingBuilderImage({ host, caPem }: { host: string; caPem: string }): Promise<OciImage> {
  return buildImage({ layers: [[machineShell, { path: `/etc/containers/certs.d/${host}/ca.crt`, content: caPem }]] });
}

/** What a world names as our own image, as far as Jobs need it: this checkout's programs, with their paths below ROOT. */
export function signerImage(): Promise<OciImage> {
  const lines = [
    'export KMM_SECRETS_ROOT="$ROOT/run/secrets" KMM_TERMINATION_LOG="$ROOT/dev/termination-log" TMPDIR="$ROOT/tmp"',
    'if [ -n "$KMM_CA_FILE" ]; then export KMM_CA_FILE="$ROOT$KMM_CA_FILE"; fi',
    `cd '${checkout}' && exec '${process.execPath}' "$@"`,
  ];
  return buildImage({ layers: [[shell('/usr/local/bin/node', lines.join('\n'))]] });
}

function shell(path: string, text: string) {
  return { path, content: `#!/bin/sh\n${text}\n`, mode: 0o755 };
}
