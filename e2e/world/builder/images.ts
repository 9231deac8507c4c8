import { buildImage, type LayerEntry, type OciImage } from '../registry/oci-image.ts';
import type { Registry } from '../registry/server.ts';

const shell: LayerEntry = { path: '/bin/sh', content: '#!/bin/sh\nexec /bin/sh "$@"\n', mode: 0o755 };
/** The cache halves the time that each start takes; not below TMPDIR, which scripts set anew each time. */
const node = 'NODE_COMPILE_CACHE=/tmp/kmm-world-compile-cache exec "$KMM_WORLD_NODE" --no-warnings';

/** A builder: a shell, and `buildah`, which is our stand-in. It trusts the registry of the world, as a node's buildah does. */
export function buildBuilderImage(registry: Pick<Registry, 'host' | 'caPem'>): Promise<OciImage> {
  const buildah = `#!/bin/sh\n${node} "$KMM_WORLD_SOURCES/e2e/world/builder/main.ts" "$@"\n`;
  return buildImage({
    layers: [
      [
        shell,
        { path: '/usr/bin/buildah', content: buildah, mode: 0o755 },
        { path: `/etc/containers/certs.d/${registry.host}/ca.crt`, content: registry.caPem },
      ],
    ],
  });
}

/** As our image of hub and spoke, as far as the signer goes: `node` runs the sources of this checkout. */
export function buildSignerImage(registry: Pick<Registry, 'caPem'>): Promise<OciImage> {
  // The container's root folder is no root here: it needs names of its own for these paths.
  const program = `#!/bin/sh
cd "$KMM_WORLD_SOURCES" || exit 1
export KMM_SECRETS_ROOT="\${KMM_SECRETS_ROOT:-$ROOT/run/secrets}"
export KMM_TERMINATION_LOG="\${KMM_TERMINATION_LOG:-$ROOT/dev/termination-log}"
if [ -n "$KMM_CA_FILE" ]; then export KMM_CA_FILE="$ROOT$KMM_CA_FILE"; fi
mkdir -p "$ROOT/tmp" && export TMPDIR="$ROOT/tmp"
export NODE_EXTRA_CA_CERTS="$ROOT/etc/ssl/world-registry.crt"
${node} "$@"
`;
  return buildImage({
    layers: [
      [
        shell,
        { path: '/usr/bin/node', content: program, mode: 0o755 },
        { path: '/etc/ssl/world-registry.crt', content: registry.caPem },
      ],
    ],
  });
}
