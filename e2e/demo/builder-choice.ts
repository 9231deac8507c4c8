import { spawnSync } from 'node:child_process';
import { packagesHost } from '../world/debian/programs.ts';
import { type KeptToolkit, keptToolkit } from '../world/real-parts/toolkit-image.ts';

/** Who plays the builder, and, if that is a stand-in, why and what to do about it. */
export type BuilderChoice =
  | { readonly kind: 'real'; readonly toolkit: KeptToolkit }
  | { readonly kind: 'stand-in'; readonly why: string; readonly instead: string };

/** What of a machine says whether buildah can build a module on it. */
export interface BuilderFacts {
  /** Whether the command line asks for the stand-in. */
  readonly standIn: boolean;
  readonly buildah: string | undefined;
  readonly isRoot: boolean;
  /** Whether mounts may be made in a namespace of one's own: buildah gives RUN lines their files by them. */
  readonly mayMount: boolean;
  /** Compiler and headers of a kernel, kept by an earlier `npm run e2e:toolkit`. */
  readonly toolkit: KeptToolkit | undefined;
}

/** Whatever of it is missing. */
const wayToRealBuilder =
  'for the real one, as root on Debian 12: npm run e2e:toolkit (once, some minutes), then npm start';

/** The real builder where all is there that it takes: nothing is fetched or installed for it. */
export function chooseBuilder(facts: BuilderFacts): BuilderChoice {
  const standIn = (why: string, instead = wayToRealBuilder): BuilderChoice => ({ kind: 'stand-in', why, instead });
  if (facts.standIn) return standIn('--stand-in asks for it', 'without --stand-in the real one is taken where it is');
  if (facts.buildah === undefined) return standIn('buildah was not found in PATH');
  if (facts.toolkit === undefined) return standIn('no compiler with the headers of a kernel is kept on this machine');
  if (!facts.isRoot) return standIn('buildah is here, but this process is not root');
  if (!facts.mayMount) return standIn('buildah is here, but this process may not mount (a container without rights?)');
  return { kind: 'real', toolkit: facts.toolkit };
}

/** Of this machine; takes milliseconds. */
export function builderFacts(standIn: boolean): BuilderFacts {
  return {
    standIn,
    buildah: packagesHost().find('buildah'),
    isRoot: process.getuid?.() === 0,
    mayMount: spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0,
    toolkit: keptToolkit(),
  };
}
