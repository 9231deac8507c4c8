import { fileURLToPath } from 'node:url';

/** The program that stands in for modprobe: environment `KMM_WORLD_MODPROBE` of modelled nodes. */
export const modprobeProgram = fileURLToPath(new URL('modprobe.ts', import.meta.url));

/**
 * Content of `modprobe` in module images of the modelled world (mode 0755). The node sets `KMM_WORLD_NODE`, `KMM_WORLD_MODPROBE`,
 * `KMM_WORLD_KERNEL` and `ROOT`. The compile cache halves the time that each start takes.
 */
export const modprobeScript = `#!/bin/sh
NODE_COMPILE_CACHE="\${TMPDIR:-/tmp}/kmm-world-compile-cache" exec "$KMM_WORLD_NODE" --no-warnings "$KMM_WORLD_MODPROBE" "$@"
`;
