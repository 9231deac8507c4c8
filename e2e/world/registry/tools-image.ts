import { readFileSync } from 'node:fs';
import { buildImage, type OciImage } from './oci-image.ts';

const scripts = new URL('../../../spoke/module-loader/script/', import.meta.url);
const busyboxPaths: readonly string[] = ['/usr/bin/busybox', '/bin/busybox'];

/** Where there is no busybox, the machine's own shell and commands do the same work under the same name. */
const busyboxStandIn = '#!/bin/sh\napplet=$1\nshift\nexec "$applet" "$@"\n';

/** Our loader tools (`RELATED_IMAGE_WORKER`): `/busybox`, `/loader.sh` and `/install.sh`. */
export function buildToolsImage(options: { busybox?: Uint8Array } = {}): Promise<OciImage> {
  const busybox = options.busybox ?? staticBusybox() ?? busyboxStandIn;
  const script = (name: string) => readFileSync(new URL(name, scripts));
  return buildImage({
    layers: [
      [{ path: '/busybox', content: busybox, mode: 0o755 }],
      [
        { path: '/loader.sh', content: script('loader.sh'), mode: 0o755 },
        { path: '/install.sh', content: script('install.sh'), mode: 0o755 },
      ],
    ],
  });
}

/** This machine's busybox, if it has one that needs no shared libraries: only that runs in an image of its own. */
function staticBusybox(): Buffer | undefined {
  for (const path of busyboxPaths) {
    const content = readIfThere(path);
    if (content !== undefined && !content.includes('/ld-linux') && !content.includes('/ld-musl')) return content;
  }
  return undefined;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
