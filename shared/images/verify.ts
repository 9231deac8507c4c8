import type { ImageTarget, RegistryClient } from '../registry/client.ts';
import { RegistryFailure, type RegistryReason } from '../registry/failure.ts';
import { type ImageManifest, type Platform, readPlatformImage } from '../registry/image-manifest.ts';
import type { RepositorySession } from '../registry/session.ts';
import { type ArchiveReason, ArchiveRefused } from './files/archive-refused.ts';
import { readTree } from './files/image-files.ts';
import { layersOf } from './files/image-layers.ts';
import { type ExpectedModule, findModule, type ModuleBadReason, readModules } from './module-checks.ts';

export type BadReason = ModuleBadReason | ArchiveReason | 'ImageMissing' | 'PlatformMissing';

/** What an image was found to be. `digest` is of the top-level manifest or index: what ships. Only `unknown` may change by itself. */
export type Verification =
  | { kind: 'good'; digest: string }
  | { kind: 'bad'; reason: BadReason; message: string }
  | { kind: 'unknown'; reason: RegistryReason; message: string; retryAfterMs?: number | undefined };

export interface VerifyOptions {
  client: RegistryClient;
  /** With a `signal`, whose abort ends the download. */
  target: ImageTarget;
  platform: Platform;
  expected: readonly ExpectedModule[];
}

/**
 * Whether an image holds the modules that are to be loaded from it: an answer for each expectation, in their order. Never throws an operating
 * error. Cost, whatever the number of expectations: each layer is downloaded and unpacked once, those with a module or `modules.dep` twice; memory
 * is that of the names.
 */
export async function verifyImage({ client, target, platform, expected }: VerifyOptions): Promise<Verification[]> {
  const all = (answer: Verification) => expected.map(() => answer);
  try {
    return await client.within(target, {}, async (session): Promise<Verification[]> => {
      const found = await readPlatformImage(session, target.reference, platform);
      if (found === undefined) return all(bad('ImageMissing', 'the image is not in the registry'));
      const { digest, manifest } = found;
      if (manifest === undefined)
        return all(bad('PlatformMissing', `the image is not there for ${platform.os}/${platform.architecture}`));
      const troubles = await troublesOf(session, manifest, expected);
      return troubles.map((trouble) =>
        trouble === null ? { kind: 'good', digest } : bad(trouble.reason, trouble.message),
      );
    });
  } catch (error) {
    if (error instanceof ArchiveRefused) return all(bad(error.reason, error.message));
    if (!(error instanceof RegistryFailure)) throw error;
    return all({ kind: 'unknown', reason: error.reason, message: error.message, retryAfterMs: error.retryAfterMs });
  }
}

async function troublesOf(session: RepositorySession, manifest: ImageManifest, all: readonly ExpectedModule[]) {
  const { layers } = await layersOf(session, manifest);
  const tree = await readTree(layers);
  const found = all.map((expected) => ({ expected, module: findModule(tree, expected) }));
  const present = found.flatMap(({ expected, module }) => (module.kind === 'trouble' ? [] : [{ expected, module }]));
  const read = await readModules(layers, present);
  return found.map(({ module }) => (module.kind === 'trouble' ? module : (read.shift() ?? null)));
}

function bad(reason: BadReason, message: string): Verification {
  return { kind: 'bad', reason, message };
}
