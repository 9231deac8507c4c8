import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The Kubernetes releases that can be had here; each has a Go module beside this file that pins it. */
export const releases = ['1.36', '1.30'] as const;
export type Release = (typeof releases)[number];
export const currentRelease: Release = '1.36';

/** etcd is built once, with the current release: an older API server runs on it as well. */
export const kubernetesPrograms = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
export type Program = (typeof kubernetesPrograms)[number] | 'etcd';

/** The Go module of one release: what is built, and from what. */
export interface GoModule {
  release: Release;
  folder: string;
  /** Those that come first are needed first. */
  programs: readonly Program[];
  /** As the API server says it: `v1.36.3`. */
  kubernetesVersion: string;
  /** The oldest Go that builds it. */
  goVersion: string;
  /** What the binaries are made of: name and text of each file. */
  sources: readonly (readonly [name: string, text: string])[];
}

export function goModuleOf(release: Release): GoModule {
  const folder = fileURLToPath(new URL(`kubernetes-${release}`, import.meta.url));
  const programs = (['etcd', ...kubernetesPrograms] as const).filter((program) => existsSync(join(folder, program)));
  const names = ['go.mod', 'go.sum'];
  for (const program of programs) {
    names.push(...readdirSync(join(folder, program)).map((name) => `${program}/${name}`));
  }
  const sources = names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);
  const goMod = readFileSync(join(folder, 'go.mod'), 'utf8');
  return {
    release,
    folder,
    programs,
    kubernetesVersion: pinned(goMod, /^\s*k8s\.io\/kubernetes (v\S+)$/m),
    goVersion: pinned(goMod, /^go (\S+)$/m),
    sources,
  };
}

/** Names the binaries in the cache: anything that makes others makes another key. */
export function keyOf({ release, sources }: Pick<GoModule, 'release' | 'sources'>, platform: string): string {
  const hash = createHash('sha256').update(JSON.stringify([platform, buildArguments('version'), sources]));
  return `${release}-${hash.digest('hex').slice(0, 16)}`;
}

/** What `go build` is told, whatever the machine's own settings are. The version is what the API server says of itself. */
export function buildArguments(kubernetesVersion: string): string[] {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(kubernetesVersion) ?? [];
  const said = { gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor };
  const variables = Object.entries(said).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags', ['-s', '-w', ...variables].join(' ')];
}

function pinned(goMod: string, line: RegExp): string {
  const [, version] = line.exec(goMod) ?? [];
  if (version === undefined) throw new Error(`go.mod: expected a line ${line}, got none`);
  return version;
}
