import { join } from 'node:path';
import { currentRelease, type Program, type Release } from './releases.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the binaries of a release are: in a folder that somebody names, or in the cache, where they are built when missing. */
export type AssetsFolder = { from: string; folder: string } | { from: 'cache'; folder: string };

/** The first that is set wins. The second is the one that other projects' test set-ups use. */
const folderVariables = ['KMM_CONTROL_PLANE_ASSETS', 'KUBEBUILDER_ASSETS'] as const;

export function assetsFolder(options: {
  environment: Environment;
  home: string;
  release: Release;
  key: string;
}): AssetsFolder {
  const { environment, home, release, key } = options;
  for (const from of folderVariables) {
    const named = environment[from];
    if (named) return { from, folder: release === currentRelease ? named : join(named, release) };
  }
  return {
    from: 'cache',
    folder: join(environment['XDG_CACHE_HOME'] || join(home, '.cache'), 'kmm-hub/control-plane', key),
  };
}

/** What to say when a folder that somebody named does not hold what is needed. */
export function missingMessage(options: {
  from: string;
  folder: string;
  expected: readonly Program[];
  got: readonly string[] | undefined;
}): string {
  const { from, folder, expected, got } = options;
  const seen = got === undefined ? 'no such folder' : got.length === 0 ? 'an empty folder' : [...got].sort().join(', ');
  return (
    `control plane: ${from} names the binaries: expected ${expected.join(', ')} in ${folder}, got ${seen}. ` +
    `Put the missing ones there, or unset ${from} and they are built with Go.`
  );
}

/** What to say when the binaries have to be built and this machine's Go cannot. `got` is undefined when there is none. */
export function goMessage(options: { needed: string; got: string | undefined; folder: string }): string {
  const { needed, got, folder } = options;
  return (
    `control plane: expected Go ${needed} or newer to build Kubernetes' own binaries, got ${got ?? 'no "go" on the PATH'}. ` +
    `Two ways out: install Go ${needed} or newer (the binaries are then built once, into ${folder}), ` +
    `or set ${folderVariables[0]} to a folder that holds ready ones.`
  );
}
