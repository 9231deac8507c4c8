import { join } from 'node:path';
import { buildImage, type OciImage } from '../registry/oci-image.ts';

const checkout = join(import.meta.dirname, '../../..');

/**
 * What a world names as `images.builder`: a shell that is this machine's, which finds this machine's buildah. The build
 * Job's script keeps below ROOT by itself.
 */
export function builderImage(): Promise<OciImage> {
  return buildImage({ layers: [[shell('/bin/sh', 'exec /bin/sh "$@"')]] });
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
